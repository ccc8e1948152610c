// A TCP port that is kept for a listener that is opened a little later: bound and not listening, so that no
// one else gets it from the system, and so that a listener with SO_REUSEADDR may still take it.
#pragma once

#include <utility>

#include "base/result.h"
#include "net/address.h"

namespace weft::cli {

class ReservedPort {
 public:
  // Port 0: any that is free.  EADDRINUSE: another socket listens there.
  static Result<ReservedPort> take(const net::Address& address);

  ReservedPort(ReservedPort&& other) noexcept : fd_(std::exchange(other.fd_, -1)), address_(other.address_) {}
  ReservedPort& operator=(ReservedPort&&) = delete;
  ReservedPort(const ReservedPort&) = delete;
  ~ReservedPort();

  const net::Address& address() const { return address_; }  // with the port's number

 private:
  ReservedPort(int fd, const net::Address& address) : fd_(fd), address_(address) {}
  int fd_;
  net::Address address_;
};

// An address by which hosts reach a listener: for one that listens on any address, one of this machine's, the
// loopback when it has no other.
net::Address reachable_address(const net::Address& listener);

}  // namespace weft::cli
