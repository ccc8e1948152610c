// What an attached namespace is on this machine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "block/backend.h"
#include "reactor/reactor.h"

namespace weft::daemon {

// Off the loops.
class LocalDevice {
 public:
  virtual ~LocalDevice() = default;  // waits for what the backend has not answered
  virtual void end() = 0;            // takes no more requests
  virtual bool is_idle() const = 0;  // no request is under way, once it has ended
  virtual std::uint32_t clients() const = 0;
  virtual std::string path() const = 0;
  virtual std::string address() const = 0;  // as programs take it
};

struct LocalDeviceKind {
  std::string_view name;  // "nbd"
  std::string_view help;
  // At `path` of the runtime directory, which nothing else uses.
  Result<std::unique_ptr<LocalDevice>> (*make)(reactor::Reactors& reactors,
                                               std::shared_ptr<block::Backend> backend,
                                               const std::string& path);
};
const std::vector<LocalDeviceKind>& local_device_kinds();
const LocalDeviceKind* find_local_device_kind(std::string_view name);

}  // namespace weft::daemon
