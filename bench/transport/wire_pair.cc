#include "transport/wire_pair.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

namespace weft::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kCapsule = 72;
constexpr std::size_t kHeader = 24;
constexpr std::size_t kInput = std::size_t{1} << 20;

[[noreturn]] void give_up(const char* what) {
  fmt::print(stderr, "wire_pair: {}: errno {}\n", what, errno);
  std::exit(1);
}

struct Stop {
  std::atomic<bool> now{false};
  bool is_set() const { return now.load(std::memory_order_relaxed); }
};

// One end of one connection: what comes is counted in whole messages, what goes is one for each.
class Half {
 public:
  Half(int fd, const PairShape& shape, bool is_host) : fd_(fd), shape_(shape), is_host_(is_host) {}
  int fd() const { return fd_; }

  void begin() {
    if (is_host_) add(shape_.depth);
  }
  // Bytes that came; what is to be sent for them is added.
  void came(std::size_t bytes, Histogram& times) {
    had_ += bytes;
    unsigned whole = 0;
    for (; had_ >= message(came_, !is_host_); ++whole) had_ -= message(came_++, !is_host_);
    if (whole == 0) return;
    count_ += whole;
    if (is_host_) {
      const auto now = Clock::now();
      for (unsigned i = 0; i < whole; ++i, began_.pop_front())
        times.record(static_cast<std::uint64_t>((now - began_.front()).count()));
    }
    if (!is_paced()) add(whole);
  }
  // Whether begin() is called for each command.
  bool is_paced() const { return is_host_ && shape_.rate != 0; }
  std::chrono::nanoseconds interval() const { return std::chrono::nanoseconds(1'000'000'000 / shape_.rate); }
  std::size_t to_send() const { return std::min(to_send_, kMostAtOnce); }
  void sent(std::size_t bytes) { to_send_ -= bytes; }
  std::uint64_t count() const { return count_; }
  bool waits_for_room = false;  // of the engine

 private:
  bool reads(std::uint64_t number) const { return number * 7 % 100 < shape_.read_percent; }
  std::size_t message(std::uint64_t number, bool of_host) const {
    const std::size_t data = reads(number) != of_host ? shape_.bytes : 0;
    return (of_host ? kCapsule : kHeader) + data;
  }
  void add(unsigned messages) {
    if (is_host_) began_.insert(began_.end(), messages, Clock::now());
    for (unsigned i = 0; i < messages; ++i) to_send_ += message(next_++, is_host_);
  }

  const int fd_;
  const PairShape& shape_;
  const bool is_host_;
  std::size_t had_ = 0;
  std::size_t to_send_ = 0;
  std::uint64_t came_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t count_ = 0;
  std::deque<Clock::time_point> began_;
};

// Memory for one send or receive.
class Memory {
 public:
  Memory(std::size_t bytes, std::span<std::byte> disk) : own_(disk.empty() ? bytes : 0), disk_(disk) {}
  std::byte* place() {
    if (disk_.empty()) return own_.data();
    constexpr std::uint64_t kFactor = 6364136223846793005;
    constexpr std::size_t kPage = 4096;
    state_ = state_ * kFactor + 1;
    return disk_.data() + (state_ >> 20) % ((disk_.size() - kMostAtOnce) / kPage) * kPage;
  }

 private:
  std::vector<std::byte> own_;
  const std::span<std::byte> disk_;
  std::uint64_t state_ = 1;
};

class Sockets {
 public:
  Sockets(std::vector<Half>& halves, Waiting waiting, std::span<std::byte> disk)
      : halves_(halves), waiting_(waiting), input_(kInput, disk), output_(kMostAtOnce, disk) {
    for (Half& each : halves_) {
      ::fcntl(each.fd(), F_SETFL, ::fcntl(each.fd(), F_GETFL) | O_NONBLOCK);
      listen_for(each, EPOLL_CTL_ADD, EPOLLIN);
    }
  }
  ~Sockets() { ::close(epoll_); }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  void run(const Stop& stop, Histogram& times) {
    if (halves_.front().is_paced()) return run_paced(halves_.front(), stop, times);
    for (Half& each : halves_) each.begin(), serve(each, times);
    while (!stop.is_set()) {
      if (waiting_ == Waiting::spinning) {
        for (Half& each : halves_) serve(each, times);
        continue;
      }
      epoll_event events[64];
      const int ready = ::epoll_wait(epoll_, events, 64, 100);
      for (int i = 0; i < ready; ++i) serve(*static_cast<Half*>(events[i].data.ptr), times);
    }
  }

 private:
  void run_paced(Half& half, const Stop& stop, Histogram& times) {
    for (auto due = Clock::now(); !stop.is_set(); due += half.interval()) {
      std::this_thread::sleep_until(due);
      half.begin();
      serve(half, times);
      for (const std::uint64_t before = half.count(); half.count() == before && !stop.is_set();) {
        epoll_event event{};
        if (::epoll_wait(epoll_, &event, 1, 100) > 0) serve(half, times);
      }
    }
  }

  void listen_for(Half& half, int how, std::uint32_t what) const {
    epoll_event wanted{.events = what, .data = {.ptr = &half}};
    if (::epoll_ctl(epoll_, how, half.fd(), &wanted) != 0) give_up("epoll_ctl");
  }

  void serve(Half& half, Histogram& times) {
    const ssize_t got = ::recv(half.fd(), input_.place(), kInput, 0);
    if (got > 0) half.came(static_cast<std::size_t>(got), times);
    while (half.to_send() > 0) {
      const ssize_t sent = ::send(half.fd(), output_.place(), half.to_send(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      half.sent(static_cast<std::size_t>(sent));
    }
    const bool is_full = half.to_send() > 0;
    if (waiting_ == Waiting::sleeping && is_full != half.waits_for_room) {
      half.waits_for_room = is_full;
      listen_for(half, EPOLL_CTL_MOD, is_full ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
  }

  std::vector<Half>& halves_;
  const Waiting waiting_;
  const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  Memory input_;
  Memory output_;
};

class Ring {
 public:
  Ring(std::vector<Half>& halves, Waiting waiting, std::span<std::byte> disk)
      : halves_(halves),
        waiting_(waiting),
        sending_(halves.size()),
        input_bytes_(halves.size() == 1 ? kInput : kInput / 8),
        inputs_(halves.size(), Memory(input_bytes_, disk)),
        output_(kMostAtOnce, disk) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (const int error = ::io_uring_queue_init_params(64, &ring_, &params); error < 0)
      errno = -error, give_up("io_uring_queue_init");
  }
  ~Ring() { ::io_uring_queue_exit(&ring_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  void run(const Stop& stop, Histogram& times) {
    for (std::size_t i = 0; i < halves_.size(); ++i) {
      halves_[i].begin();
      receive(i);
      send(i);
    }
    while (!stop.is_set()) {
      if (waiting_ == Waiting::sleeping)
        ::io_uring_submit_and_wait(&ring_, 1);
      else
        ::io_uring_submit_and_get_events(&ring_);
      io_uring_cqe* done = nullptr;
      while (::io_uring_peek_cqe(&ring_, &done) == 0 && done != nullptr) {
        const std::uint64_t data = done->user_data;
        const int result = done->res;
        ::io_uring_cqe_seen(&ring_, done);
        if (result <= 0) return;
        ended(data / 2, data % 2 != 0, static_cast<std::size_t>(result), times);
      }
    }
  }

 private:
  void ended(std::size_t at, bool was_send, std::size_t bytes, Histogram& times) {
    if (was_send) {
      sending_[at] = false;
      halves_[at].sent(bytes);
    } else {
      halves_[at].came(bytes, times);
      receive(at);
    }
    send(at);
  }
  io_uring_sqe& next(std::uint64_t data) {
    io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
    if (sqe == nullptr) {
      ::io_uring_submit(&ring_);
      sqe = ::io_uring_get_sqe(&ring_);
    }
    sqe->user_data = data;
    return *sqe;
  }
  void receive(std::size_t at) {
    io_uring_sqe& sqe = next(2 * at);
    ::io_uring_prep_recv(&sqe, halves_[at].fd(), inputs_[at].place(), input_bytes_, 0);
  }
  void send(std::size_t at) {
    if (sending_[at] || halves_[at].to_send() == 0) return;
    sending_[at] = true;
    io_uring_sqe& sqe = next(2 * at + 1);
    ::io_uring_prep_send(&sqe, halves_[at].fd(), output_.place(), halves_[at].to_send(), MSG_NOSIGNAL);
  }

  std::vector<Half>& halves_;
  const Waiting waiting_;
  std::vector<bool> sending_;
  io_uring ring_{};
  const std::size_t input_bytes_;
  std::vector<Memory> inputs_;
  Memory output_;
};

struct Descriptors {
  std::vector<int> host;
  std::vector<int> target;
};

Descriptors connect_all(unsigned count) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, any, length) != 0 || ::listen(listener, static_cast<int>(count)) != 0 ||
      ::getsockname(listener, any, &length) != 0)
    give_up("listen");
  Descriptors all;
  const int on = 1;
  for (unsigned i = 0; i < count; ++i) {
    all.host.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(all.host.back(), any, length) != 0) give_up("connect");
    all.target.push_back(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    for (const int fd : {all.host.back(), all.target.back()})
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ::close(listener);
  return all;
}

void pin(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (::pthread_setaffinity_np(::pthread_self(), sizeof set, &set) != 0) give_up("pthread_setaffinity_np");
}

struct Side {
  std::uint64_t count = 0;
  double cpu_s = 0;
  Histogram times;
};

template <class End>
void run_side(Side& side, const std::vector<int>& fds, const PairShape& shape, bool is_host, Waiting waiting,
              std::optional<unsigned> cpu, const Stop& stop) {
  if (cpu) pin(*cpu);
  std::vector<Half> halves;
  for (const int fd : fds) halves.emplace_back(fd, shape, is_host);
  const double before = thread_cpu_s();
  {
    End end(halves, waiting, is_host ? std::span<std::byte>{} : shape.disk);
    end.run(stop, side.times);
  }
  side.cpu_s = thread_cpu_s() - before;
  for (const Half& each : halves) side.count += each.count();
}

}  // namespace

double thread_cpu_s() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

Figures run_pair(const PairShape& shape, Engine engine, Waiting waiting, std::optional<Pinning> pinning,
                 std::chrono::milliseconds time) {
  const Descriptors fds = connect_all(shape.connections);
  const auto run = engine == Engine::sockets ? &run_side<Sockets> : &run_side<Ring>;
  const auto cpu = [&](unsigned its) { return pinning ? std::optional(its) : std::nullopt; };
  const auto host = std::make_unique<Side>();
  const auto target = std::make_unique<Side>();
  Stop stop;
  const auto began = Clock::now();
  std::thread there([&] {
    run(*target, fds.target, shape, false, waiting, cpu(pinning.value_or(Pinning{}).target), stop);
  });
  std::thread here(
      [&] { run(*host, fds.host, shape, true, waiting, cpu(pinning.value_or(Pinning{}).host), stop); });
  std::this_thread::sleep_for(time);
  stop.now = true;
  for (const auto* all : {&fds.host, &fds.target})
    for (const int fd : *all) ::shutdown(fd, SHUT_RDWR);
  here.join();
  there.join();
  const double took = std::chrono::duration<double>(Clock::now() - began).count();
  for (const auto* all : {&fds.host, &fds.target})
    for (const int fd : *all) ::close(fd);
  const double millions = std::max<double>(static_cast<double>(host->count), 1) / 1e6;
  return {.per_second = static_cast<double>(host->count) / took,
          .times = host->times,
          .host_cpu_s = host->cpu_s / millions,
          .target_cpu_s = target->cpu_s / millions};
}

}  // namespace weft::bench
