#include "backends/fd/holders.h"

#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

namespace weft::backends {

namespace fs = std::filesystem;

struct HoldersState {
  std::mutex mutex;
  std::multimap<Holders::Id, std::string> open;
};

namespace {

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// Does a descriptor of the process hold a lock on the file, named as in fdinfo?
bool holds_lock(const fs::path& process, const std::string& file) {
  std::error_code error;
  for (fs::directory_iterator each(process / "fdinfo", error), end; !error && each != end;
       each.increment(error)) {
    std::ifstream lines(each->path());
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("lock:") && line.find(file) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

Holders::Holders() : state_(std::make_shared<HoldersState>()) {}

Holders::Note Holders::note(Id id, const std::string& backend) {
  Note note;
  const std::scoped_lock lock(state_->mutex);
  note.place_ = state_->open.emplace(id, backend);
  note.state_ = state_;
  return note;
}

Holders::Note::~Note() {
  if (state_ == nullptr) return;
  const std::scoped_lock lock(state_->mutex);
  state_->open.erase(place_);
}

std::string Holders::who(Id id) const {
  const std::scoped_lock lock(state_->mutex);
  const auto found = state_->open.find(id);
  return found == state_->open.end() ? "" : "in this process as " + found->second;
}

std::string lock_holders(dev_t device, ino_t inode) {
  const std::string file = fmt::format(" {:02x}:{:02x}:{} ", major(device), minor(device), inode);
  std::string holders;
  std::error_code error;
  for (fs::directory_iterator each("/proc", error), end; !error && each != end; each.increment(error)) {
    const std::string pid = each->path().filename();
    if (!is_number(pid) || pid == fmt::to_string(::getpid()) || !holds_lock(each->path(), file)) continue;
    std::string name;
    std::getline(std::ifstream(each->path() / "comm"), name);
    holders += fmt::format("{}process {} ({})", holders.empty() ? "by " : ", ", pid, name);
  }
  return holders;
}

}  // namespace weft::backends
