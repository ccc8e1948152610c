// One caller's connection: what the HTTP library reads from and writes to.  Whoever is slow has a bounded
// time and a bounded size, for the whole of the request and for the whole of the answer.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>

#include "base/loop.h"

namespace weft::faces {

struct ConnectionLimits {
  Duration request = std::chrono::seconds(5);
  Duration answer = std::chrono::seconds(30);
  std::size_t request_bytes = 0;  // with its headers
};

class Connection final : public httplib::Stream {
 public:
  // The descriptor does not block, and belongs to somebody else.
  Connection(int fd, const ConnectionLimits& limits);

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* into, std::size_t size) override;
  ssize_t write(const char* from, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return fd_; }

 private:
  using Clock = std::chrono::steady_clock;
  bool wait(short events) const;
  ssize_t fill();

  const int fd_;
  const ConnectionLimits limits_;
  Clock::time_point deadline_;
  bool answering_ = false;
  std::size_t left_bytes_;
  std::array<char, 4096> buffer_{};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace weft::faces
