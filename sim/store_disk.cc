#include "sim/store_disk.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "base/check.h"

namespace weft::sim {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSectorBytes = 512;
constexpr const char* kName = "weft-sim";
constexpr Duration kLeastSync = std::chrono::microseconds(50);
constexpr Duration kMostSync = std::chrono::milliseconds(20);

StoreDisk* disk_of_run = nullptr;

// A file of this layer, with the one below behind it.
struct File {
  sqlite3_file base;
  std::string* path;
  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File& of(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}
const sqlite3_io_methods& methods_below(sqlite3_file* file) {
  return *of(file).below()->pMethods;
}
sqlite3_vfs& vfs_below() {
  // Whose locks are none: those of a killed process would stay in this one.
  static sqlite3_vfs* const kBelow = sqlite3_vfs_find("unix-none");
  return *kBelow;
}

std::vector<char> read_range(sqlite3_file* file, sqlite3_int64 offset, sqlite3_int64 bytes) {
  sqlite3_int64 size = 0;
  methods_below(file).xFileSize(of(file).below(), &size);
  std::vector<char> data(static_cast<std::size_t>(std::clamp<sqlite3_int64>(size - offset, 0, bytes)));
  if (!data.empty())
    methods_below(file).xRead(of(file).below(), data.data(), static_cast<int>(data.size()), offset);
  return data;
}

int close_file(sqlite3_file* file) {
  const int result = methods_below(file).xClose(of(file).below());
  delete of(file).path;
  return result;
}
int read_file(sqlite3_file* file, void* into, int bytes, sqlite3_int64 offset) {
  return methods_below(file).xRead(of(file).below(), into, bytes, offset);
}
int write_file(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  if (!disk_of_run->take_room()) return SQLITE_FULL;
  const auto* const data = static_cast<const char*>(from);
  disk_of_run->wrote(*of(file).path, offset, read_range(file, offset, bytes), {data, data + bytes});
  return methods_below(file).xWrite(of(file).below(), from, bytes, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  disk_of_run->cut(*of(file).path, size);
  return methods_below(file).xTruncate(of(file).below(), size);
}
int sync_file(sqlite3_file* file, int) {
  disk_of_run->sync(*of(file).path);
  return SQLITE_OK;  // the machine's own disk has no part in this
}
int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  return methods_below(file).xFileSize(of(file).below(), size);
}
int lock_file(sqlite3_file*, int) {
  return SQLITE_OK;
}
int is_reserved(sqlite3_file*, int* result) {
  *result = 0;
  return SQLITE_OK;
}
int control_file(sqlite3_file* file, int what, void* argument) {
  return methods_below(file).xFileControl(of(file).below(), what, argument);
}
int sector_bytes(sqlite3_file*) {
  return kSectorBytes;
}
int characteristics(sqlite3_file*) {
  return 0;  // nothing is atomic, nothing is in order
}

int open_file(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
  static const sqlite3_io_methods kMethods = {.iVersion = 1,
                                              .xClose = close_file,
                                              .xRead = read_file,
                                              .xWrite = write_file,
                                              .xTruncate = truncate_file,
                                              .xSync = sync_file,
                                              .xFileSize = size_of_file,
                                              .xLock = lock_file,
                                              .xUnlock = lock_file,
                                              .xCheckReservedLock = is_reserved,
                                              .xFileControl = control_file,
                                              .xSectorSize = sector_bytes,
                                              .xDeviceCharacteristics = characteristics};
  file->pMethods = nullptr;
  const int result = vfs_below().xOpen(&vfs_below(), name, of(file).below(), flags, out_flags);
  if (result != SQLITE_OK) return result;
  of(file).path = new std::string(name == nullptr ? "" : name);
  file->pMethods = &kMethods;
  return result;
}

void use_layer() {
  static sqlite3_vfs layer;
  // One thread at a time has a turn, and one that is killed must not leave a mutex locked.
  sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
  WEFT_CHECK(sqlite3_initialize() == SQLITE_OK);
  layer = vfs_below();
  layer.zName = kName;
  layer.szOsFile = static_cast<int>(sizeof(File)) + vfs_below().szOsFile;
  layer.pNext = nullptr;
  layer.xOpen = open_file;
  sqlite3_vfs_register(&layer, 1);
}

// In memory where there is such a place: the product syncs.
std::string place() {
  constexpr const char* kMemory = "/dev/shm";
  return ::access(kMemory, W_OK) == 0 ? kMemory : fs::temp_directory_path().string();
}

std::vector<char> content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

StoreDisk::StoreDisk(World& world)
    : world_(world),
      before_(fs::current_path().string()),
      root_(fmt::format("{}/weft-sim-{}", place(), ::getpid())) {
  fs::remove_all(root_);
  fs::create_directories(root_);
  fs::current_path(root_);
  fs::create_directories(directory());
  use_layer();
  disk_of_run = this;
}

StoreDisk::~StoreDisk() {
  std::error_code none;
  fs::current_path(before_, none);
  fs::remove_all(root_, none);
  disk_of_run = nullptr;
}

bool StoreDisk::take_room() {
  if (room_ && (*room_)-- == 0) {
    room_.reset();
    is_full_ = true;
  }
  return !is_full_;
}

void StoreDisk::wrote(const std::string& path, std::int64_t offset, std::vector<char> before,
                      std::vector<char> after) {
  unsynced_[path].push_back({static_cast<std::uint64_t>(offset), std::move(before), std::move(after)});
}

void StoreDisk::cut(const std::string& path, std::int64_t size) {
  const auto end = static_cast<std::uint64_t>(size);
  auto& writes = unsynced_[path];
  std::erase_if(writes, [end](const Write& write) { return write.offset >= end; });
  for (Write& write : writes) {
    write.before.resize(std::min<std::size_t>(write.before.size(), end - write.offset));
    write.after.resize(std::min<std::size_t>(write.after.size(), end - write.offset));
  }
}

void StoreDisk::sync(const std::string& path) {
  const std::size_t covered = unsynced_[path].size();
  std::this_thread::sleep_for(world_.some_time(kLeastSync, kMostSync));
  auto& writes = unsynced_[path];
  writes.erase(writes.begin(), writes.begin() + static_cast<std::ptrdiff_t>(covered));
}

std::vector<char> StoreDisk::left_of(const std::string& path, std::vector<char> content) {
  const auto& writes = unsynced_[path];
  std::size_t size = content.size();
  for (auto write = writes.rbegin(); write != writes.rend(); ++write) {
    std::ranges::copy(write->before, content.begin() + static_cast<std::ptrdiff_t>(write->offset));
    if (write->before.size() < write->after.size()) size = write->offset + write->before.size();
  }
  content.resize(size);
  std::map<std::uint64_t, bool> is_dropped;  // by sector: neither this write nor a later one came there
  for (const Write& write : writes) {
    for (std::size_t at = 0; at < write.after.size();) {
      const std::uint64_t sector = (write.offset + at) / kSectorBytes;
      const std::size_t end =
          std::min<std::size_t>(write.after.size(), (sector + 1) * kSectorBytes - write.offset);
      bool& dropped = is_dropped[sector];
      dropped = dropped || world_.dice().one_in(2);
      if (!dropped) {
        content.resize(std::max<std::size_t>(content.size(), write.offset + end));
        std::copy(write.after.begin() + static_cast<std::ptrdiff_t>(at),
                  write.after.begin() + static_cast<std::ptrdiff_t>(end),
                  content.begin() + static_cast<std::ptrdiff_t>(write.offset + at));
      }
      at = end;
    }
  }
  return content;
}

void StoreDisk::crash(bool power) {
  const std::string before = directory();
  ++life_;
  fs::create_directories(directory());
  std::vector<fs::path> files;  // in an order that does not depend on the file system
  for (const auto& entry : fs::directory_iterator(before)) files.push_back(entry.path());
  std::ranges::sort(files);
  for (const fs::path& path : files) {
    if (path.extension() == ".lock") continue;
    auto content = content_of(path);
    if (power) content = left_of(path.string(), std::move(content));
    std::ofstream file(fs::path(directory()) / path.filename(), std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    WEFT_CHECK(file.good(), "the run's files can be written");
  }
  unsynced_.clear();
  is_full_ = false;
  room_.reset();
}

}  // namespace weft::sim
