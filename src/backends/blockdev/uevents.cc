#include "backends/blockdev/uevents.h"

#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <chrono>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "backends/fd/bounded.h"
#include "backends/fd/unique_fd.h"
#include "base/text.h"

namespace weft::backends {

namespace {

constexpr unsigned kKernelGroup = 1;  // of senders: udev's daemon uses another
constexpr std::size_t kMostBytes = 8192;

UniqueFd open_socket() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kKernelGroup;
  if (!fd.is_open() || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return {};
  return fd;
}

}  // namespace

struct UeventEntry {
  explicit UeventEntry(dev_t its_device, std::function<void()> its_call)
      : device(its_device), changed(std::move(its_call)) {}
  const dev_t device;
  std::mutex mutex;  // held during the call
  std::function<void()> changed;
};

struct Uevents::State {
  UniqueFd socket = open_socket();
  UniqueFd end{::eventfd(0, EFD_CLOEXEC)};
  std::mutex mutex;
  std::list<std::weak_ptr<UeventEntry>> watches;
  std::thread thread;

  void listen();
  bool receive();
  void tell(dev_t device, bool all);
};

std::optional<dev_t> changed_device(std::string_view message) {
  std::optional<std::uint64_t> high, low;
  bool change = false;
  bool block = false;
  while (!message.empty()) {
    const std::string_view word = message.substr(0, message.find('\0'));
    message.remove_prefix(std::min(message.size(), word.size() + 1));
    change = change || word == "ACTION=change";
    block = block || word == "SUBSYSTEM=block";
    if (word.starts_with("MAJOR=")) high = parse_number(word.substr(6), 0, 0xFFFFFFFF);
    if (word.starts_with("MINOR=")) low = parse_number(word.substr(6), 0, 0xFFFFFFFF);
  }
  if (!change || !block || !high || !low) return std::nullopt;
  return makedev(static_cast<unsigned>(*high), static_cast<unsigned>(*low));
}

void Uevents::State::tell(dev_t device, bool all) {
  std::vector<std::shared_ptr<UeventEntry>> found;
  {
    const std::scoped_lock lock(mutex);
    watches.remove_if([](const auto& each) { return each.expired(); });
    for (const auto& each : watches)
      if (auto entry = each.lock(); entry && (all || entry->device == device))
        found.push_back(std::move(entry));
  }
  // Each on its own: a device that does not answer holds up no other's news.
  for (auto& entry : found)
    run_bounded(
        [entry = std::move(entry)] {
          const std::scoped_lock lock(entry->mutex);
          if (entry->changed) entry->changed();
        },
        std::chrono::milliseconds(0));
}

// One message; false when the socket is of no use any more.
bool Uevents::State::receive() {
  char message[kMostBytes];
  sockaddr_nl sender{};
  socklen_t sender_bytes = sizeof sender;
  const ssize_t count = ::recvfrom(socket.get(), message, sizeof message, 0,
                                   reinterpret_cast<sockaddr*>(&sender), &sender_bytes);
  if (count < 0 && errno == ENOBUFS) {  // some were lost: look at all
    tell(0, true);
    return true;
  }
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (sender.nl_pid != 0) return true;  // not the kernel
  if (const auto device = changed_device({message, static_cast<std::size_t>(count)})) tell(*device, false);
  return true;
}

void Uevents::State::listen() {
  ::pthread_setname_np(::pthread_self(), "weft-uevents");
  pollfd fds[] = {{socket.get(), POLLIN, 0}, {end.get(), POLLIN, 0}};
  while (true) {
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    if (fds[0].revents != 0 && !receive()) return;
  }
}

Uevents::Watch::~Watch() {
  if (entry_ == nullptr) return;
  const std::scoped_lock lock(entry_->mutex);
  entry_->changed = nullptr;
}

Uevents::Uevents() : state_(std::make_unique<State>()) {
  if (!state_->socket.is_open() || !state_->end.is_open()) return;
  try {
    state_->thread = std::thread([state = state_.get()] { state->listen(); });
  } catch (const std::system_error&) {
    state_->socket = UniqueFd();  // no thread to be had: as without permission
  }
}

Uevents::~Uevents() {
  if (!state_->thread.joinable()) return;
  const std::uint64_t one = 1;
  (void)!::write(state_->end.get(), &one, sizeof one);
  state_->thread.join();
}

bool Uevents::is_listening() const {
  return state_->thread.joinable();
}

Uevents::Watch Uevents::watch(dev_t device, std::function<void()> changed) {
  Watch watch;
  watch.entry_ = std::make_shared<UeventEntry>(device, std::move(changed));
  const std::scoped_lock lock(state_->mutex);
  state_->watches.emplace_back(watch.entry_);
  return watch;
}

}  // namespace weft::backends
