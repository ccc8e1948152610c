// A host that reads 4 KiB at random places with 32 commands in flight, while other things happen.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "provision/measure.h"

namespace weft::bench {

// Reads until it is told to end; the time of each read.  The namespace is 1 and has 4 KiB blocks' worth of
// `bytes`.
Times read_until(std::uint16_t port, const std::string& nqn, std::uint64_t bytes,
                 const std::atomic<bool>& end);

// Connects and disconnects once: the admin queue, enabled and identified.
void connect_once(std::uint16_t port, const std::string& nqn);

}  // namespace weft::bench
