#include "config/state_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/reached.h"
#include "base/replace_file.h"

namespace weft::config {

namespace {

using nlohmann::json;

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  char piece[4096];
  while (true) {
    const ssize_t count = ::read(fd, piece, sizeof piece);
    if (count < 0) return fail_errno(errno, path);
    if (count == 0) return text;
    text.append(piece, static_cast<std::size_t>(count));
  }
}

}  // namespace

std::string StateStore::default_directory() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = ::secure_getenv(name);
    return value == nullptr ? "" : value;
  };
  const std::string given = variable("STATE_DIRECTORY");
  if (!given.empty()) return given.substr(0, given.find(':'));
  if (const std::string base = variable("XDG_STATE_HOME"); !base.empty()) return base + "/weft";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.local/state/weft";
  return {};
}

Uuid StateStore::random_uuid() {
  Uuid uuid;
  WEFT_CHECK(::getrandom(uuid.bytes.data(), uuid.bytes.size(), 0) == 16, "16 bytes always come at once");
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0F) | 0x40);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3F) | 0x80);
  return uuid;
}

Result<StateStore::Content> StateStore::read(const std::string& path) {
  Content content;
  const File file(path, O_RDONLY);
  if (!file.is_open()) {
    if (errno == ENOENT) return content;
    return fail_errno(errno, path);
  }
  auto text = read_all(file.get(), path);
  if (!text) return std::unexpected(std::move(text.error()));
  const auto damaged = [&path] {
    WEFT_REACHED("config.state_file_damaged");
    return fail(EINVAL,
                fmt::format("{}: it is no state file of Weft: move it away, and new serials are made", path));
  };
  const json root = json::parse(*text, nullptr, false);
  if (!root.is_object() || root.value("version", json()) != 1) return damaged();
  const json serials = root.value("serials", json::object());
  const json ports = root.value("ports", json::object());
  if (!serials.is_object() || !ports.is_object()) return damaged();
  for (const auto& [name, value] : serials.items()) {
    const auto uuid = value.is_string() ? parse_uuid(value.get_ref<const std::string&>()) : std::nullopt;
    if (!uuid) return damaged();
    content.serials[name] = *uuid;
  }
  for (const auto& [name, value] : ports.items()) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() - 1 >= 0xFFFF) return damaged();
    content.ports[name] = PortId(value.get<std::uint16_t>());
  }
  return content;
}

Result<> StateStore::write(const std::string& directory, const Content& content) {
  json root = {{"version", 1}, {"serials", json::object()}, {"ports", json::object()}};
  for (const auto& [name, uuid] : content.serials) root["serials"][name] = uuid_text(uuid);
  for (const auto& [name, id] : content.ports) root["ports"][name] = id.value();
  return replace_file(directory + "/state.json",
                      root.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

Result<> StateStore::load() {
  const std::scoped_lock lock(mutex_);
  if (directory_.empty()) return {};
  auto content = read(path());
  if (content) {
    content_ = std::move(*content);
    return {};
  }
  directory_.clear();
  return std::unexpected(std::move(content.error()));
}

bool StateStore::add(Content& content, const std::vector<std::string>& devices,
                     const std::vector<std::string>& ports) {
  for (const auto& name : devices) content.serials.emplace(name, random_uuid());
  std::set<std::uint16_t> taken;
  for (const auto& [name, id] : content.ports) taken.insert(id.value());
  std::uint32_t next = 1;
  for (const auto& name : ports) {
    if (content.ports.contains(name)) continue;
    while (taken.contains(static_cast<std::uint16_t>(next)) && next <= 0xFFFF) ++next;
    if (next > 0xFFFF) {
      WEFT_REACHED("config.no_port_id_left");
      return false;
    }
    content.ports.emplace(name, PortId(static_cast<std::uint16_t>(next++)));
  }
  return true;
}

bool StateStore::has_all(const std::vector<std::string>& devices,
                         const std::vector<std::string>& ports) const {
  return std::ranges::all_of(devices, [this](const auto& name) { return content_.serials.contains(name); }) &&
         std::ranges::all_of(ports, [this](const auto& name) { return content_.ports.contains(name); });
}

void StateStore::give(Content& content, const std::string& port, PortId id) {
  std::erase_if(content.ports, [id](const auto& each) { return each.second == id; });
  content.ports.insert_or_assign(port, id);
}

Result<bool> StateStore::change_file(const std::function<bool(Content&)>& change) {
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) {
    WEFT_REACHED("config.state_without_directory");
    return fail_errno(error.value(), directory_);
  }
  const std::string lock_path = directory_ + "/lock";
  const File lock(lock_path, O_RDWR | O_CREAT);
  if (!lock.is_open() || ::flock(lock.get(), LOCK_EX) != 0) {
    WEFT_REACHED("config.state_without_lock");
    return fail_errno(errno, lock_path);
  }
  auto content = read(path());  // another process may have added to it
  if (!content) return std::unexpected(std::move(content.error()));
  const bool all = change(*content);
  if (auto written = write(directory_, *content); !written) {
    WEFT_REACHED("config.state_not_written");
    return std::unexpected(std::move(written.error()));
  }
  content_ = std::move(*content);
  return all;
}

Result<> StateStore::assure(const std::vector<std::string>& devices, const std::vector<std::string>& ports) {
  const std::scoped_lock lock(mutex_);
  if (has_all(devices, ports)) return {};
  const auto outcome = [](bool all) -> Result<> {
    if (all) return {};
    return fail(ENOSPC, "port ids: all 65535 are given out");
  };
  if (directory_.empty()) return outcome(add(content_, devices, ports));
  auto kept = change_file([&](Content& content) { return add(content, devices, ports); });
  if (kept) return outcome(*kept);
  directory_.clear();
  if (!add(content_, devices, ports)) return outcome(false);
  return std::unexpected(std::move(kept.error()));
}

Result<> StateStore::assign(const std::string& port, PortId id) {
  const std::scoped_lock lock(mutex_);
  const auto known = content_.ports.find(port);
  if (known != content_.ports.end() && known->second == id) return {};
  if (!directory_.empty()) {
    auto kept = change_file([&](Content& content) {
      give(content, port, id);
      return true;
    });
    if (kept) return {};
    directory_.clear();
    give(content_, port, id);
    return std::unexpected(std::move(kept.error()));
  }
  give(content_, port, id);
  return {};
}

std::string StateStore::port_of(PortId id) const {
  const std::scoped_lock lock(mutex_);
  const auto it = std::ranges::find(content_.ports, id, [](const auto& each) { return each.second; });
  return it == content_.ports.end() ? std::string() : it->first;
}

Uuid StateStore::unit_serial(const std::string& device) const {
  const std::scoped_lock lock(mutex_);
  return content_.serials.at(device);
}

PortId StateStore::port_id(const std::string& port) const {
  const std::scoped_lock lock(mutex_);
  const auto known = content_.ports.find(port);
  return known == content_.ports.end() ? PortId() : known->second;
}

}  // namespace weft::config
