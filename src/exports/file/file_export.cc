#include "exports/file/file_export.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

#include "base/run_on.h"
#include "exports/file/shared.h"

namespace weft::file_export {

namespace {

constexpr fuse_ino_t kFile = FUSE_ROOT_ID + 1;

Shared& shared_of(fuse_req_t request) {
  return *static_cast<Shared*>(fuse_req_userdata(request));
}

struct stat status_of(const Shared& shared, fuse_ino_t inode) {
  struct stat status{};
  status.st_ino = inode;
  status.st_uid = ::geteuid();
  status.st_gid = ::getegid();
  if (inode == FUSE_ROOT_ID) {
    status.st_mode = S_IFDIR | 0555;
    status.st_nlink = 2;
    return status;
  }
  const block::Geometry geometry = shared.backend->geometry();
  status.st_mode = S_IFREG | (geometry.read_only ? 0400 : 0600);
  status.st_nlink = 1;
  status.st_size = static_cast<off_t>(geometry.bytes());
  status.st_blocks = static_cast<blkcnt_t>(geometry.bytes() / 512);
  status.st_blksize = static_cast<blksize_t>(std::max<std::size_t>(geometry.block_bytes, kPageMemoryBytes));
  return status;
}

// The size may change at any time: the kernel keeps none.
void reply_status(fuse_req_t request, fuse_ino_t inode) {
  const struct stat status = status_of(shared_of(request), inode);
  fuse_reply_attr(request, &status, 0);
}

void init(void* /*user*/, fuse_conn_info* connection) {
  connection->max_write = kMostBytes;
  connection->max_background = 64;
  connection->want |= connection->capable & (FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_ASYNC_DIO);
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  if (parent != FUSE_ROOT_ID || std::string_view(name) != FileExport::kName) {
    fuse_reply_err(request, ENOENT);
    return;
  }
  fuse_entry_param entry{};
  entry.ino = kFile;
  entry.attr = status_of(shared_of(request), kFile);
  fuse_reply_entry(request, &entry);
}

void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info* /*file*/) {
  reply_status(request, inode);
}

// As a device: it has the length that it has.
void setattr(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int which, fuse_file_info* /*file*/) {
  const auto bytes = static_cast<off_t>(shared_of(request).backend->geometry().bytes());
  if ((which & FUSE_SET_ATTR_SIZE) != 0 && wanted->st_size != bytes)
    fuse_reply_err(request, EINVAL);
  else if ((which & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0)
    fuse_reply_err(request, EPERM);
  else
    reply_status(request, inode);
}

void open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  Shared& shared = shared_of(request);
  if (inode != kFile) {
    fuse_reply_err(request, EISDIR);
  } else if (shared.backend->geometry().read_only && (file->flags & O_ACCMODE) != O_RDONLY) {
    fuse_reply_err(request, EROFS);
  } else {
    file->direct_io = 1;
    shared.open_files.fetch_add(1, std::memory_order_relaxed);
    if (fuse_reply_open(request, file) != 0) shared.open_files.fetch_sub(1, std::memory_order_relaxed);
  }
}

void release(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* /*file*/) {
  shared_of(request).open_files.fetch_sub(1, std::memory_order_relaxed);
  fuse_reply_err(request, 0);
}

void opendir(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  if (inode == FUSE_ROOT_ID)
    fuse_reply_open(request, file);
  else
    fuse_reply_err(request, ENOTDIR);
}

void readdir(fuse_req_t request, fuse_ino_t /*inode*/, size_t size, off_t offset, fuse_file_info* /*file*/) {
  constexpr std::pair<const char*, fuse_ino_t> kEntries[] = {
      {".", FUSE_ROOT_ID}, {"..", FUSE_ROOT_ID}, {FileExport::kName, kFile}};
  std::string buffer(size, '\0');
  std::size_t used = 0;
  for (std::size_t at = static_cast<std::size_t>(offset); at < std::size(kEntries); ++at) {
    const struct stat status = status_of(shared_of(request), kEntries[at].second);
    const std::size_t needed = fuse_add_direntry(request, buffer.data() + used, size - used,
                                                 kEntries[at].first, &status, static_cast<off_t>(at + 1));
    if (needed > size - used) break;
    used += needed;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void read(fuse_req_t request, fuse_ino_t /*inode*/, size_t size, off_t offset, fuse_file_info* /*file*/) {
  Shared& shared = shared_of(request);
  const auto from = static_cast<std::uint64_t>(offset);
  const std::uint64_t end = shared.backend->geometry().bytes();
  if (from >= end || size == 0) {
    fuse_reply_buf(request, nullptr, 0);
    return;
  }
  auto work = std::make_unique<Work>(shared, request, block::Op::read);
  work->set_range(from, std::min<std::uint64_t>(size, end - from));
  if (!work->take_memory()) {
    fuse_reply_err(request, ENOMEM);
    return;
  }
  Work::start(std::move(work));
}

void write(fuse_req_t request, fuse_ino_t /*inode*/, const char* from, size_t size, off_t offset,
           fuse_file_info* /*file*/) {
  Shared& shared = shared_of(request);
  const auto at = static_cast<std::uint64_t>(offset);
  const std::uint64_t end = shared.backend->geometry().bytes();
  if (size != 0 && at >= end) {
    fuse_reply_err(request, ENOSPC);
    return;
  }
  if (size == 0) {
    fuse_reply_write(request, 0);
    return;
  }
  auto work = std::make_unique<Work>(shared, request, block::Op::write);
  work->set_range(at, std::min<std::uint64_t>(size, end - at));
  bool has_memory = work->take_memory();
  if (has_memory && work->is_partial()) has_memory = (work->payload = page_memory(work->bytes)) != nullptr;
  if (!has_memory) {
    fuse_reply_err(request, ENOMEM);
    return;
  }
  std::memcpy((work->is_partial() ? work->payload : work->memory).get(), from, work->bytes);
  Work::start(std::move(work));
}

void flush(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* /*file*/) {
  fuse_reply_err(request, 0);
}

void fsync(fuse_req_t request, fuse_ino_t /*inode*/, int /*data_only*/, fuse_file_info* /*file*/) {
  Work::start(std::make_unique<Work>(shared_of(request), request, block::Op::flush));
}

void fallocate(fuse_req_t request, fuse_ino_t /*inode*/, int mode, off_t offset, off_t length,
               fuse_file_info* /*file*/) {
  Shared& shared = shared_of(request);
  const block::Geometry geometry = shared.backend->geometry();
  const auto from = static_cast<std::uint64_t>(offset);
  const auto wanted = static_cast<std::uint64_t>(length);
  const std::uint64_t count = std::min(wanted, geometry.bytes() - std::min(geometry.bytes(), from));
  const bool punches = (mode & FALLOC_FL_PUNCH_HOLE) != 0;
  const bool keeps_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;
  if (!punches && (mode & FALLOC_FL_ZERO_RANGE) == 0) {  // all of it is allocated, as it were
    fuse_reply_err(request,
                   mode == 0 || keeps_size ? (count < wanted && !keeps_size ? ENOSPC : 0) : EOPNOTSUPP);
    return;
  }
  if (count == 0) {
    fuse_reply_err(request, 0);
    return;
  }
  auto work = std::make_unique<Work>(shared, request, block::Op::write_zeroes);
  work->may_unmap = punches;
  if (!work->set_zeroes(from, from + count)) {
    fuse_reply_err(request, ENOMEM);
    return;
  }
  Work::start(std::move(work));
}

fuse_lowlevel_ops operations() {
  fuse_lowlevel_ops all{};
  all.init = init;
  all.lookup = lookup;
  all.getattr = getattr;
  all.setattr = setattr;
  all.open = open;
  all.release = release;
  all.opendir = opendir;
  all.readdir = readdir;
  all.read = read;
  all.write = write;
  all.flush = flush;
  all.fsync = fsync;
  all.fallocate = fallocate;
  return all;
}

}  // namespace

FileExport::FileExport(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}

Result<std::unique_ptr<FileExport>> FileExport::start(Loops& loops, std::shared_ptr<block::Backend> backend,
                                                      const std::string& directory) {
  std::unique_ptr<FileExport> self(new FileExport(std::make_unique<Shared>(loops, std::move(backend))));
  Shared& shared = *self->shared_;
  run_on(shared.loop, [&] { shared.engine = std::make_unique<Engine>(shared.loop, *shared.backend); });
  auto mount = fuse::Mount::start({.directory = directory, .thread = "weft-file", .carries_io = true},
                                  operations(), &shared);
  if (!mount) return std::unexpected(mount.error());
  shared.mount = std::move(*mount);
  return self;
}

void FileExport::end() {
  if (shared_->mount != nullptr) shared_->mount->stop();
}

FileExport::~FileExport() {
  constexpr std::chrono::milliseconds kPause{1};
  end();
  while (!is_idle()) std::this_thread::sleep_for(kPause);
  run_on(shared_->loop, [this] { shared_->engine.reset(); });
  if (shared_->mount != nullptr) {
    const std::string directory = shared_->mount->directory();
    shared_->mount.reset();
    ::rmdir(directory.c_str());
  }
  shared_->loops.release(shared_->loop);
}

std::string FileExport::path() const {
  return shared_->mount->directory() + "/" + kName;
}

std::uint32_t FileExport::clients() const {
  return shared_->open_files.load(std::memory_order_relaxed);
}

bool FileExport::is_idle() const {
  return shared_->under_way.load(std::memory_order_acquire) == 0;
}

}  // namespace weft::file_export
