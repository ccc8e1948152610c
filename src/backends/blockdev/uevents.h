// The kernel's word that a block device has changed, by which a resize is seen at once.  Without permission
// to hear it there are no calls, and whoever looks from time to time sees the change then.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace weft::backends {

// The device that a kernel's uevent says has changed; empty for all others.
std::optional<dev_t> changed_device(std::string_view message);

// One thread that listens, for as long as it lives.  Any thread.
class Uevents {
 public:
  // What is called for a device, on a thread made for that call; never any more once it is destroyed, which
  // waits for a call that is running.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept = default;
    Watch& operator=(Watch&& other) noexcept {
      std::swap(entry_, other.entry_);
      return *this;
    }
    ~Watch();

   private:
    friend class Uevents;
    std::shared_ptr<struct UeventEntry> entry_;
  };

  Uevents();
  ~Uevents();
  Uevents(const Uevents&) = delete;
  Uevents& operator=(const Uevents&) = delete;

  bool is_listening() const;
  Watch watch(dev_t device, std::function<void()> changed);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace weft::backends
