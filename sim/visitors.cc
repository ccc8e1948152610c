#include "sim/visitors.h"

#include <cstring>
#include <utility>

#include "sim/target_process.h"
#include "wire/admin_command.h"
#include "wire/nqn.h"

namespace weft::sim {

namespace {

constexpr Duration kPause = std::chrono::milliseconds(20);
constexpr Duration kLongestPause = std::chrono::milliseconds(80);

}  // namespace

Visitor::Visitor(Internet& internet, std::string name, std::string address, std::string subnqn,
                 std::string hostnqn)
    : world_(internet.world()),
      name_(std::move(name)),
      subnqn_(std::move(subnqn)),
      hostnqn_(std::move(hostnqn)),
      loops_(world_.add_process(name_, 1)),
      networks_(internet, loops_, std::move(address)),
      tcp_(networks_) {
  visit();
}

void Visitor::visit() {
  host::Options options;
  options.identity.nqn = hostnqn_;
  options.identity.id[0] = 0xEE;
  options.address = {std::string(kTraddr), trsvcid_of(0), subnqn_};
  options.io_queues = 0;
  options.controller_loss_time = std::nullopt;
  options.reconnect_delay = kPause;
  options.patient = true;
  controllers_.push_back(std::make_unique<host::Controller>(loops_, tcp_, options, *this));
  controllers_.back()->start();
}

void Visitor::stop() {
  is_stopped_ = true;
  controllers_.back()->stop();
}

// Refused for good, as far as that host goes; the next one tries it again.
void Visitor::on_gone(const Error&) {
  if (is_stopped_) {
    is_gone_ = true;
    return;
  }
  world_.after(world_.some_time(kPause, kLongestPause), [this] {
    if (is_stopped_)
      is_gone_ = true;
    else
      visit();
  });
}

void Visitor::found(const std::string& what) {
  if (!violation_.empty()) return;
  violation_ = name_ + ": " + what;
  world_.note("VIOLATION {}", violation_);
}

Intruder::Intruder(Internet& internet)
    : Visitor(internet, "intruder", "192.0.2.200", std::string(kNqn), "nqn.2024-01.sim:intruder") {}

Observer::Observer(Internet& internet, const std::string& hostnqn)
    : Visitor(internet, "observer", "192.0.2.201", std::string(wire::kDiscoveryNqn), hostnqn),
      page_(kMostBytes) {
  read_.then = [](host::Command& command) noexcept { static_cast<Read&>(command).observer.have_log(); };
}

void Observer::on_live() {
  world_.note("the observer is connected");
  read();
}

void Observer::on_event(const wire::AsyncEvent& event) {
  if (event.log_page == wire::LogId::discovery) read();
}

void Observer::read() {
  if (std::exchange(is_reading_, true)) {
    is_outdated_ = true;
    return;
  }
  piece_ = {page_.data(), page_.size()};
  read_.data = {&piece_, 1};
  read_.sqe = wire::make_get_log_page({.lid = static_cast<std::uint8_t>(wire::LogId::discovery),
                                       .length = static_cast<std::uint32_t>(page_.size())});
  controller().admin_queue().submit(read_);
}

void Observer::have_log() {
  is_reading_ = false;
  if (!read_.ok()) return;  // it is connected anew, and reads again
  wire::DiscoveryLogHeader header{};
  std::memcpy(&header, page_.data(), sizeof header);
  if ((header.numrec + 1) * sizeof(wire::DiscoveryLogEntry) > page_.size())
    return found("the discovery log is too long");
  known_.clear();
  for (std::uint64_t i = 1; i <= header.numrec; ++i) {
    wire::DiscoveryLogEntry entry{};
    std::memcpy(&entry, page_.data() + i * sizeof entry, sizeof entry);
    if (entry.subtype == static_cast<std::uint8_t>(wire::SubsystemType::nvm))
      known_.emplace(wire::read_terminated(entry.subnqn).value_or("?"));
  }
  world_.note("the observer knows {} subsystems", known_.size());
  if (std::exchange(is_outdated_, false)) read();
}

}  // namespace weft::sim
