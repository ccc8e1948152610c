#include "config/kernel_namespace.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/reached.h"
#include "config/answers.h"
#include "config/device_path.h"

namespace weft::config {

namespace {

std::string adapter_of(const block::Plugin& plugin) {
  return fmt::format("{}_0", plugin.name);
}

// What is at the path.  May hang like an open.
Result<block::PathKind> kind_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno(errno, path);
  if (S_ISREG(status.st_mode)) return block::PathKind::file;
  if (S_ISBLK(status.st_mode)) return block::PathKind::device;
  return fail(ENOTBLK, fmt::format("{}: it must be a regular file or a block device", path));
}

Result<std::shared_ptr<Device>> make_own_device(Model& model, const Tenant& tenant, Nsid nsid,
                                                const Tenant::Backing& backing, block::PathKind kind) {
  const auto plugin = std::ranges::find(model.parts().plugins, kind, &block::Plugin::path_kind);
  if (plugin == model.parts().plugins.end())
    return fail(EOPNOTSUPP, fmt::format("{}: no plugin here opens what it is", backing.device_path));
  const std::string adapter = adapter_of(*plugin);
  if (auto made = model.make_adapter(adapter); !made && made.error().code != EEXIST)
    return std::unexpected(std::move(made.error()));
  auto device = model.make_device(adapter + "/" + own_device_name(tenant.nqn(), nsid, backing.device_path));
  if (!device) {
    if (device.error().code != EEXIST) return device;
    return fail(EBUSY, fmt::format("{}: its backend opens already, or another namespace shows it",
                                   backing.device_path));
  }
  block::ControlValues control = {{std::string(plugin->path_key), backing.device_path}};
  if (backing.buffered_io && !plugin->buffered_key.empty()) control[std::string(plugin->buffered_key)] = "1";
  (void)(*device)->set_control(control);
  (*device)->change_notes([&](DeviceNotes& notes) { notes.alias = tenant.path(nsid); });
  return device;
}

void open_and_link(Model& model, const std::shared_ptr<Tenant>& tenant, Nsid nsid,
                   const Tenant::Backing& backing, block::PathKind kind, Answer answer) {
  const auto device = make_own_device(model, *tenant, nsid, backing, kind);
  if (!device) return answer(std::unexpected(device.error()));
  (*device)->enable(Device::Asked::by_a_person, [&model, tenant, nsid, device = *device,
                                                 answer = std::move(answer)](Result<> opened) mutable {
    if (opened) opened = tenant->link(nsid, usual_link(device->name()), device);
    // Cancelled: it has been removed, perhaps with the model.
    if (!opened && opened.error().code != ECANCELED && model.find_device(device->name()) == device)
      (void)model.remove_device(device->name(), [] {});
    answer(std::move(opened));
  });
}

}  // namespace

void enable_namespace(Model& model, const std::shared_ptr<Tenant>& tenant, Nsid nsid, Answer answer) {
  const auto its = tenant->find_namespace(nsid);
  if (!its) return answer(fail(ENOENT, "it is being removed"));
  if (its->device != nullptr) return answer({});
  if (its->backing.device_path.empty())
    return answer(fail(EINVAL, "there is no device_path: write the path of a file or block device first"));
  if (const auto named = named_device(its->backing.device_path)) {
    const auto device = model.find_device(*named);
    if (device == nullptr) return answer(fail(ENOENT, fmt::format("target/core/{}: there is none", *named)));
    return answer(tenant->link(nsid, usual_link(*named), device));
  }
  model.workshop()->openers.run(
      [&model, tenant, nsid, backing = its->backing, answer = std::move(answer)]() mutable {
        const auto kind = kind_of(backing.device_path);
        if (!kind) {
          WEFT_REACHED("config.no_such_path");
          return answer(std::unexpected(kind.error()));
        }
        const Workshop::Visit visit(*tenant->workshop());
        if (!visit) {
          WEFT_REACHED("config.enable_while_daemon_ends");
          return answer(fail(ECANCELED, "the daemon ends"));
        }
        open_and_link(model, tenant, nsid, backing, *kind, std::move(answer));
      });
}

void disable_namespace(Tenant& tenant, Nsid nsid, Answer answer) {
  const auto its = tenant.find_namespace(nsid);
  if (!its || its->device == nullptr) return answer({});
  answer_when_done(std::move(answer),
                   [&](target::Done done) { return tenant.unlink(nsid, std::move(done)); });
}

Result<> remove_kernel_namespace(Model& model, Tenant& tenant, Nsid nsid) {
  const auto its = tenant.find_namespace(nsid);
  if (auto removed = tenant.remove_namespace(nsid, [] {}); !removed) return removed;
  // One that is not there, or that another namespace shows, is nothing to remove.
  for (const auto& plugin : model.parts().plugins)
    if (its && plugin.path_kind != block::PathKind::none)
      (void)model.remove_device(
          adapter_of(plugin) + "/" + own_device_name(tenant.nqn(), nsid, its->backing.device_path), [] {});
  return {};
}

}  // namespace weft::config
