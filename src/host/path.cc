#include "host/path.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "base/call.h"
#include "wire/admin_command.h"

namespace weft::host {

namespace {

constexpr Duration kDoubt = std::chrono::milliseconds(100);  // a refused command is not sent there sooner
constexpr std::size_t kMostGroups = 1000;

std::uint8_t cns(wire::IdentifyCns of) {
  return static_cast<std::uint8_t>(of);
}

std::uint8_t lid(wire::LogId of) {
  return static_cast<std::uint8_t>(of);
}

Access access_of(wire::AnaState state) {
  switch (state) {
    case wire::AnaState::optimized:
      return Access::optimized;
    case wire::AnaState::non_optimized:
      return Access::non_optimized;
    default:
      return Access::none;
  }
}

}  // namespace

std::string_view name(PathState::Kind kind) {
  constexpr std::string_view kNames[] = {"connecting", "live", "unusable", "lost", "gone"};
  return kNames[static_cast<std::size_t>(kind)];
}

bool PathState::is_accessible() const {
  return kind == Kind::live && (!ana || access_of(*ana) != Access::none);
}

Path::Path(Loops& loops, fabric::Initiator& initiator, const Options& options, Nsid nsid, std::size_t index,
           PathOwner& owner)
    : index_(index), wanted_(nsid), owner_(owner), controller_(loops, initiator, options, *this) {
  step_.path = this;
  state_.address = options.address;
}

PathState Path::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

void Path::doubt() {
  post_call(controller_.loop(), [this] {
    if (live_ && !soon_.is_armed()) controller_.loop().arm(soon_, kDoubt);
  });
}

void Path::on_live() {
  live_ = true;
  look();
}

void Path::on_lost(const Error& why) {
  down(PathState::Kind::lost, why);
}

void Path::on_gone(const Error& why) {
  down(PathState::Kind::gone, why);
}

void Path::down(PathState::Kind kind, const Error& why) {
  live_ = false;
  look_again_ = false;
  controller_.loop().cancel(soon_);
  {
    const std::scoped_lock lock(mutex_);
    if (kind == PathState::Kind::lost) ++state_.losses;
    state_.kind = kind;
    if (why.code != 0) state_.why = why;
  }
  owner_.on_path_down(*this);
}

void Path::on_event(const wire::AsyncEvent& event) {
  if (event == wire::kNamespaceChangedEvent || event == wire::kAnaChangeEvent) look();
}

void Path::look() {
  if (!live_) return;
  look_again_ = looking_;
  if (std::exchange(looking_, true)) return;
  // Reading the log makes the target tell of the next change.
  if ((controller_.identity().oaes & wire::AsyncEventConfiguration::kNamespaceAttribute) == 0)
    return have_changes();
  page_.resize(sizeof(wire::ChangedNamespaceList));
  ask(wire::make_get_log_page(
          {.nsid = kAllNamespaces, .lid = lid(wire::LogId::changed_namespace_list), .length = page_.size()}),
      page_.data(), page_.size(), &Path::have_changes, "reading the log of changed namespaces");
}

void Path::ask(const wire::Sqe& sqe, void* data, std::size_t bytes, Next next, const char* what) {
  step_.sqe = sqe;
  step_.piece = {data, bytes};
  step_.data = {&step_.piece, 1};
  step_.next = next;
  step_.what = what;
  step_.then = &Path::on_step;
  controller_.admin_queue().submit(step_);
}

void Path::on_step(Command& command) noexcept {
  auto& its = static_cast<Step&>(command);
  Path& self = *its.path;
  if (its.end == fabric::HostCommand::End::lost) {  // the controller tells
    self.looking_ = false;
    return;
  }
  // Targets of before 1.3 know no descriptors.
  if (its.ok() || its.next == &Path::have_descriptors) return (self.*its.next)();
  self.unusable({its.error_code(), fmt::format("{}: {}", its.what, its.failure())});
}

void Path::have_changes() {
  nsid_ = wanted_;
  page_.assign(wire::kIdentifySize, std::byte{0});
  if (nsid_ != Nsid(0)) return have_list();
  ask(wire::make_identify({.cns = cns(wire::IdentifyCns::active_ns_list)}), page_.data(), page_.size(),
      &Path::have_list, "asking for the namespaces");
}

void Path::have_list() {
  if (nsid_ == Nsid(0)) {
    const auto list = *wire::load<wire::NamespaceList>(page_);
    const auto count = std::ranges::find(list.nsid, wire::le32(0)) - std::begin(list.nsid);
    if (count != 1)
      return unusable(
          {EINVAL,
           fmt::format("it has {} namespaces; choose one: --namespace N, or ?ns=N behind the NQN", count)});
    nsid_ = Nsid(list.nsid[0]);
  }
  question_ = owner_.number_question();
  ask(wire::make_identify({.nsid = nsid_, .cns = cns(wire::IdentifyCns::ns)}), page_.data(), page_.size(),
      &Path::have_namespace, "Identify Namespace");
}

void Path::have_namespace() {
  const auto info = parse_namespace(nsid_, *wire::load<wire::IdentifyNamespace>(page_));
  if (!info) return unusable(info.error());
  info_ = *info;
  page_.assign(wire::kIdentifySize, std::byte{0});
  ask(wire::make_identify({.nsid = nsid_, .cns = cns(wire::IdentifyCns::ns_id_descriptors)}), page_.data(),
      page_.size(), &Path::have_descriptors, "asking for the namespace's identifiers");
}

void Path::have_descriptors() {
  if (step_.ok()) take_descriptors(page_, info_);
  ana_.reset();
  const wire::IdentifyController& identity = controller_.identity();
  if ((identity.cmic & wire::kCmicAna) == 0) return known(Access::optimized);
  const std::size_t groups = std::min<std::size_t>(identity.nanagrpid, kMostGroups);
  page_.assign(sizeof(wire::AnaLogHeader) + groups * sizeof(wire::AnaGroupDescriptor), std::byte{0});
  ask(wire::make_get_log_page({.nsid = kAllNamespaces,
                               .lid = lid(wire::LogId::ana),
                               .lsp = wire::kAnaGroupsOnly,
                               .length = page_.size()}),
      page_.data(), page_.size(), &Path::have_access, "reading the ANA log");
}

// The descriptors come from the target: no more than there is room for.
void Path::have_access() {
  const std::size_t announced = wire::load<wire::AnaLogHeader>(page_)->groups;
  auto rest = std::span<const std::byte>(page_).subspan(sizeof(wire::AnaLogHeader));
  for (std::size_t i = 0; i < announced; ++i) {
    const auto group = wire::load<wire::AnaGroupDescriptor>(rest);
    if (!group) break;
    rest = rest.subspan(sizeof *group);
    if (group->group_id != info_.ana_group) continue;
    ana_ = static_cast<wire::AnaState>(group->state & 0x0F);
    return known(access_of(*ana_));
  }
  unusable({EPROTO,
            fmt::format("its ANA log does not name group {}, which the namespace is in", info_.ana_group)});
}

void Path::known(Access access) {
  if (live_) {
    {
      const std::scoped_lock lock(mutex_);
      state_.ana = ana_;
      state_.kind = PathState::Kind::live;
    }
    if (const Result<> taken = owner_.on_path_known(*this, info_, access); !taken)
      return unusable(taken.error());
  }
  looked();
}

void Path::unusable(const Error& why) {
  if (live_) {
    {
      const std::scoped_lock lock(mutex_);
      state_.kind = PathState::Kind::unusable;
      state_.why = {why.code, state_.address.subnqn + ": " + why.message};
    }
    owner_.on_path_down(*this);
  }
  looked();
}

void Path::looked() {
  looking_ = false;
  if (std::exchange(look_again_, false)) look();
}

}  // namespace weft::host
