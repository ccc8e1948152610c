#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include "config/json_fields.h"
#include "config/nvmetcli_format.h"

namespace weft::config {

namespace {

using nlohmann::json;

// One change of the tree, whose answer may come after nobody waits for it any more.
class Change {
 public:
  explicit Change(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

  Answer answer() const {
    return [state = state_](Result<> result) {
      const std::scoped_lock lock(state->mutex);
      state->result = std::move(result);
      state->answered.notify_all();
    };
  }
  Result<> wait(Duration patience) const {
    std::unique_lock lock(state_->mutex);
    if (!state_->answered.wait_for(lock, patience, [this] { return state_->result.has_value(); }))
      return fail(EINPROGRESS, "it may hang; it goes on behind, and all others go on");
    return *state_->result;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<Result<>> result;
  };
  const std::string path_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

// A key of an item: how it goes into the tree.
struct Key {
  enum class Form : std::uint8_t {
    group,      // {"path": "/dev/x"} of "device" is the attribute device_path
    attribute,  // of the same name
    later,      // something else takes it, or the item is named by it
  };
  std::string_view name;
  Form form = Form::later;
};

constexpr Key kWhole[] = {{"discovery", Key::Form::group}, {"hosts"}, {"ports"}, {"subsystems"}};
constexpr Key kHost[] = {{"dhchap", Key::Form::group}, {"nqn"}};
constexpr Key kSubsystem[] = {
    {"allowed_hosts"}, {"attr", Key::Form::group}, {"namespaces"}, {"nqn"}, {"passthru"}};
constexpr Key kPassthru[] = {{"admin_timeout", Key::Form::attribute},
                             {"clear_ids", Key::Form::attribute},
                             {"device", Key::Form::group},
                             {"enable", Key::Form::attribute},
                             {"io_timeout", Key::Form::attribute}};
constexpr Key kNamespace[] = {{"ana", Key::Form::group},
                              {"ana_grpid", Key::Form::attribute},
                              {"buffered_io", Key::Form::attribute},
                              {"device", Key::Form::group},
                              {"enable"},
                              {"nsid"},
                              {"resv", Key::Form::group}};
constexpr Key kPort[] = {{"addr", Key::Form::group},
                         {"ana_groups"},
                         {"param", Key::Form::group},
                         {"portid"},
                         {"referrals"},
                         {"subsystems"}};
constexpr Key kAnaGroup[] = {{"ana", Key::Form::group}, {"grpid"}};
constexpr Key kReferral[] = {{"addr", Key::Form::group}, {"enable"}, {"name"}};

class Import {
 public:
  Import(Tree& tree, Duration patience) : tree_(tree), patience_(patience) {}

  std::vector<Problem> run(const json& root) {
    write_keys(root, kRoot, kWhole);
    for_each_item(root, "hosts", "nqn", kRoot, [this](const json& host, const std::string& path) {
      if (make(path, true)) write_keys(host, path, kHost);
    });
    for_each_item(root, "subsystems", "nqn", kRoot,
                  [this](const json& its, const std::string& path) { make_subsystem(its, path); });
    for_each_item(root, "ports", "portid", kRoot,
                  [this](const json& its, const std::string& path) { make_port(its, path); });
    const auto end = std::chrono::steady_clock::now() + patience_;
    for (const Change& enabling : enablings_)
      finish(enabling, std::max<Duration>(end - std::chrono::steady_clock::now(), Duration::zero()));
    for (const std::string& port : ports_) write(port + "/listen", "1");
    return std::move(problems_);
  }

 private:
  inline static const std::string kRoot = "kernel/nvmet";

  void problem(const std::string& path, std::string_view reason) {
    // The tree's own reasons begin with the path.
    if (reason.starts_with(path + ": ")) reason.remove_prefix(path.size() + 2);
    problems_.push_back({path, std::string(reason)});
  }

  // --- changes
  template <class Start>
  Change begin(const std::string& path, Start start) {
    Change change(path);
    start(change.answer());
    return change;
  }
  bool finish(const Change& change, Duration patience, int accepted = 0) {
    const auto result = change.wait(patience);
    if (result || result.error().code == accepted) return true;
    problem(change.path(), result.error().message);
    return false;
  }
  bool make(const std::string& path, bool may_be_there = false) {
    return finish(begin(path, [&](Answer answer) { tree_.make_directory(path, std::move(answer)); }),
                  patience_, may_be_there ? EEXIST : 0);
  }
  void link(const std::string& path, const std::string& target) {
    finish(begin(path, [&](Answer answer) { tree_.make_link(path, target, std::move(answer)); }), patience_);
  }
  Change begin_write(const std::string& path, std::string_view value) {
    return begin(path, [&](Answer answer) { tree_.write(path, value, std::move(answer)); });
  }
  void write(const std::string& path, std::string_view value) { finish(begin_write(path, value), patience_); }
  void write_value(const std::string& path, const json& value) {
    if (const auto text = scalar_text(value))
      write(path, *text);
    else
      problem(path, text.error().message);
  }

  // --- the text
  void write_keys(const json& item, const std::string& path, std::span<const Key> keys) {
    for (const auto& [name, value] : item.items()) {
      const auto key = std::ranges::find(keys, name, &Key::name);
      if (key == keys.end())
        problem(path + "/" + name, "nvmetcli has no such key here");
      else if (key->form == Key::Form::attribute)
        write_value(path + "/" + name, value);
      else if (key->form == Key::Form::group)
        write_group(value, path, name);
    }
  }
  void write_group(const json& group, const std::string& path, const std::string& prefix) {
    if (!group.is_object()) return problem(path + "/" + prefix, "it must be an object");
    for (const auto& [name, value] : group.items()) write_value(path + "/" + prefix + "_" + name, value);
  }

  // Each object of the list `folder`, with its path: that of the folder and what its key `name` says.
  template <class Act>
  void for_each_item(const json& object, const std::string& folder, const char* name, const std::string& path,
                     Act act) {
    const auto list = object.find(folder);
    if (list == object.end()) return;
    const std::string place = path + "/" + folder;
    if (!list->is_array()) return problem(place, "it must be a list");
    for (const json& item : *list) {
      const auto text =
          item.is_object() && item.contains(name) ? scalar_text(item.at(name)) : fail(EINVAL, "");
      if (!text || text->empty() || text->find('/') != std::string::npos)
        problem(place, fmt::format("each item must be an object with \"{}\"", name));
      else
        act(item, place + "/" + *text);
    }
  }
  // Likewise of names alone.
  template <class Act>
  void for_each_name(const json& object, const std::string& folder, const std::string& path, Act act) {
    const auto list = object.find(folder);
    if (list == object.end()) return;
    const std::string place = path + "/" + folder;
    if (!list->is_array()) return problem(place, "it must be a list");
    for (const json& item : *list) {
      if (item.is_string())
        act(item.get<std::string>(), place);
      else
        problem(place, "each item must be a name");
    }
  }

  // --- objects
  void make_subsystem(const json& its, const std::string& path) {
    if (!make(path)) return;
    write_keys(its, path, kSubsystem);
    if (its.contains("passthru")) {
      if (its.at("passthru").is_object())
        write_keys(its.at("passthru"), path + "/passthru", kPassthru);
      else
        problem(path + "/passthru", "it must be an object");
    }
    for_each_name(its, "allowed_hosts", path, [this](const std::string& nqn, const std::string& folder) {
      link(folder + "/" + nqn, "../../../hosts/" + nqn);
    });
    for_each_item(its, "namespaces", "nsid", path, [this](const json& each, const std::string& below) {
      if (!make(below)) return;
      write_keys(each, below, kNamespace);
      if (!each.contains("enable")) return;
      // All of them open at once.
      if (const auto on = scalar_text(each.at("enable")))
        enablings_.push_back(begin_write(below + "/enable", *on));
      else
        problem(below + "/enable", on.error().message);
    });
  }

  // It listens when all are there: a host that meets "not allowed" never comes back.
  void make_port(const json& its, const std::string& path) {
    if (!make(path)) return;
    write_keys(its, path, kPort);
    write(path + "/listen", "0");
    for_each_item(its, "ana_groups", "grpid", path, [this](const json& group, const std::string& below) {
      if (make(below, true)) write_keys(group, below, kAnaGroup);
    });
    for_each_item(its, "referrals", "name", path, [this](const json& referral, const std::string& below) {
      if (!make(below)) return;
      write_keys(referral, below, kReferral);
      if (referral.contains("enable")) write_value(below + "/enable", referral.at("enable"));
    });
    for_each_name(its, "subsystems", path, [this](const std::string& nqn, const std::string& folder) {
      link(folder + "/" + nqn, "../../../subsystems/" + nqn);
    });
    ports_.push_back(path);
  }

  Tree& tree_;
  const Duration patience_;
  std::vector<Change> enablings_;
  std::vector<std::string> ports_;
  std::vector<Problem> problems_;
};

}  // namespace

Result<std::vector<Problem>> import_nvmetcli(Tree& tree, std::string_view text, Duration patience) {
  const json root = json::parse(text, nullptr, false);
  if (root.is_discarded()) return fail(EINVAL, "it is no JSON text");
  if (!root.is_object() ||
      (!root.contains("hosts") && !root.contains("ports") && !root.contains("subsystems")))
    return fail(EINVAL, "it is not what nvmetcli saves: there are no hosts, ports or subsystems in it");
  return Import(tree, patience).run(root);
}

}  // namespace weft::config
