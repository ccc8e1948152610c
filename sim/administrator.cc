#include "sim/administrator.h"

#include <fmt/format.h>

#include <cerrno>
#include <thread>
#include <utility>

namespace weft::sim {

namespace {

constexpr unsigned kTenants = 3;  // of each
constexpr unsigned kGuests = 3;
constexpr Duration kLongestRest = std::chrono::milliseconds(4);
constexpr const char* kDirectory = "/";

std::string subsystem_of(unsigned tenant) {
  return fmt::format("nvmet/subsystems/nqn.2024-01.sim:tenant{}", tenant);
}

}  // namespace

// What can be done with one tenant as it is.
class Administrator::Choices {
 public:
  Choices(const Administrator& of, unsigned tenant)
      : of_(of),
        adapter_(fmt::format("target/core/sim_{}", 100 + tenant)),
        disk_(adapter_ + "/disk"),
        subsystem_(subsystem_of(tenant)),
        namespace_(subsystem_ + "/namespaces/1"),
        link_(namespace_ + "/disk"),
        // Some share the listener of the disk that hosts work on.
        port_(fmt::format("{}/ports/tcp:192.0.2.1:{}", subsystem_, tenant % 2 == 0 ? 4420 : 5000 + tenant)) {
    add_backend();
    if (!of_.has(subsystem_)) {
      make(subsystem_, {{"/attr_model", "Weft"}});
      return;
    }
    add_subsystem();
    add_namespace();
    add_port();
  }
  std::vector<Change> take() { return std::move(all_); }

 private:
  void make(const std::string& path, const std::map<std::string, std::string>& attributes = {}) {
    Change change{"mkdir " + path, [path](Hands& hands) { return hands.mkdir(path); }, {{path, kDirectory}}};
    for (const auto& [name, value] : attributes) change.effect[path + name] = value;
    all_.push_back(std::move(change));
  }
  void remove(const std::string& path) {
    all_.push_back(
        {"rmdir " + path, [path](Hands& hands) { return hands.rmdir(path); }, {{path, std::nullopt}}});
  }
  void set(const std::string& path, const std::string& value) {
    if (of_.is(path, value)) return;
    all_.push_back({fmt::format("echo {} > {}", value, path),
                    [path, value](Hands& hands) { return hands.echo(value, path); },
                    {{path, value}}});
  }

  void add_backend() {
    if (!of_.has(adapter_)) return make(adapter_);
    if (!of_.has(disk_)) {
      make(disk_, {{"/enable", "0"}, {"/alias", ""}});
      return remove(adapter_);
    }
    set(disk_ + "/enable", "1");
    set(disk_ + "/alias", fmt::format("after {}", of_.left_));
    if (!of_.has(link_)) remove(disk_);
  }
  void add_subsystem() {
    set(subsystem_ + "/attr_model", fmt::format("M{}", of_.left_ % 10));
    bool is_empty = !of_.has(namespace_) && !of_.has(port_);
    for (unsigned i = 0; i < kGuests; ++i) {
      const std::string host = fmt::format("{}/hosts/{}", subsystem_, guestnqn_of(i));
      of_.has(host) ? remove(host) : make(host);
      is_empty = is_empty && !of_.has(host);
    }
    if (is_empty) remove(subsystem_);
  }
  void add_namespace() {
    if (!of_.has(namespace_)) return make(namespace_, {{"/readonly", "0"}});
    if (of_.has(link_)) {
      all_.push_back(
          {"rm " + link_, [link = link_](Hands& hands) { return hands.rm(link); }, {{link_, std::nullopt}}});
      return;
    }
    set(namespace_ + "/readonly", of_.is(namespace_ + "/readonly", "0") ? "1" : "0");
    if (of_.is(disk_ + "/enable", "1")) {
      const std::string target = "/weft/" + disk_;
      all_.push_back({"ln " + link_,
                      [target, link = link_](Hands& hands) { return hands.ln(target, link); },
                      {{link_, target}}});
    }
    remove(namespace_);
  }
  void add_port() {
    if (!of_.has(port_)) return make(port_, {{"/enable", "0"}});
    set(port_ + "/enable", of_.is(port_ + "/enable", "0") ? "1" : "0");
    remove(port_);
  }

  const Administrator& of_;
  const std::string adapter_, disk_, subsystem_, namespace_, link_, port_;
  std::vector<Change> all_;
};

Administrator::Administrator(World& world, unsigned index, unsigned changes)
    : world_(world), name_(fmt::format("administrator{}", index)), index_(index), left_(changes) {}

std::string guestnqn_of(unsigned guest) {
  return fmt::format("nqn.2024-01.sim:guest{}", guest);
}

std::set<std::string> Administrator::shown_to_guest() const {
  std::set<std::string> shown;
  for (unsigned tenant = index_ * kTenants; tenant < (index_ + 1) * kTenants; ++tenant) {
    const std::string path = subsystem_of(tenant);
    if (has(path + "/hosts/" + guestnqn_of(0)) && is(path + "/ports/tcp:192.0.2.1:4420/enable", "1"))
      shown.insert(path.substr(path.rfind('/') + 1));
  }
  return shown;
}

void Administrator::found(const std::string& what) {
  if (!violation_.empty()) return;
  violation_ = name_ + ": " + what;
  world_.note("VIOLATION {}", violation_);
}

void Administrator::work(Hands hands) {
  find_what_is_left(hands);
  while (left_ > 0 && violation_.empty()) {
    --left_;
    auto all =
        Choices(*this, index_ * kTenants + static_cast<unsigned>(world_.dice().below(kTenants))).take();
    make(hands, std::move(all[world_.dice().below(all.size())]));
    if (world_.dice().one_in(8)) verify(hands);
    std::this_thread::sleep_for(world_.some_time({}, kLongestRest));
  }
}

void Administrator::make(Hands& hands, Change change) {
  for (const auto& [path, value] : change.effect) seen_[path] = true;
  uncertain_.push_back(change);
  const auto made = change.make(hands);
  world_.note("{}: {}: {}", name_, change.what, made ? "ok" : made.error().message);
  // What the store could not keep is in force all the same.
  if (!made && made.error().code != ENOSPC)
    return found(fmt::format("{} is refused: {}", change.what, made.error().message));
  apply(facts_, change);
  if (!made) return;
  kept_ = facts_;
  uncertain_.clear();
}

void Administrator::apply(Facts& facts, const Change& change) {
  for (const auto& [path, value] : change.effect) {
    if (value) {
      facts[path] = *value;
      continue;
    }
    std::erase_if(facts, [&path](const auto& fact) {
      return fact.first == path || fact.first.starts_with(path + "/");
    });
  }
}

std::string Administrator::difference(const Hands& hands, const Facts& facts) const {
  for (const auto& [path, unused] : seen_) {
    const auto is = hands.look(path);
    const auto must = facts.contains(path) ? std::optional(facts.at(path)) : std::nullopt;
    if (is != must)
      return fmt::format("{} is {} and must be {}", path, is.value_or("not there"),
                         must.value_or("not there"));
  }
  return {};
}

void Administrator::verify(const Hands& hands) {
  if (const std::string wrong = difference(hands, facts_); !wrong.empty()) found(wrong);
}

// What is known to be durable, or that with some of what came behind it, in order.
void Administrator::find_what_is_left(const Hands& hands) {
  Facts left = kept_;
  std::string wrong = difference(hands, left);
  std::string all_wrong = wrong;
  for (const Change& change : uncertain_) {
    if (wrong.empty()) break;
    apply(left, change);
    wrong = difference(hands, left);
    all_wrong += fmt::format("; or, with {}, {}", change.what, wrong);
  }
  world_.note("{} had {} uncertain changes", name_, uncertain_.size());
  if (!wrong.empty()) return found(all_wrong);
  facts_ = kept_ = std::move(left);
  uncertain_.clear();
}

}  // namespace weft::sim
