// How this library says that the other side did what it must not do, or nothing at all: an exception, which
// a test that does not expect it reports as it is.
#pragma once

#include <stdexcept>

namespace weft::raw_host {

// The peer broke the protocol.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The peer took longer than the time-out.
struct TimedOut : Failure {
  using Failure::Failure;
};

// The connection is gone, where more was expected.
struct Closed : Failure {
  using Failure::Failure;
};

}  // namespace weft::raw_host
