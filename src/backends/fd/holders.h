// Who has a file or device open, to tell those who may not.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace weft::backends {

// What a plugin has open in this process.  Any thread.
class Holders {
 public:
  using Id = std::pair<dev_t, ino_t>;

  // Noted for as long as it lives, which may be longer than the plugin.
  class Note {
   public:
    Note() = default;
    Note(Note&& other) noexcept = default;
    Note& operator=(Note&& other) noexcept {
      std::swap(state_, other.state_);
      std::swap(place_, other.place_);
      return *this;
    }
    ~Note();

   private:
    friend class Holders;
    std::shared_ptr<struct HoldersState> state_;
    std::multimap<Id, std::string>::iterator place_;
  };

  Holders();
  Note note(Id id, const std::string& backend);

  // "in this process as fileio_0/disk", or empty.
  std::string who(Id id) const;

 private:
  std::shared_ptr<HoldersState> state_;
};

// The processes that hold a lock on the file, as /proc tells: "by process 4711 (qemu)", or empty when it does
// not.
std::string lock_holders(dev_t device, ino_t inode);

}  // namespace weft::backends
