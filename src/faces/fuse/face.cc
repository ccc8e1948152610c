#include "faces/fuse/face.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>

namespace weft::faces {

namespace {

constexpr off_t kAttributeBytes = 4096;  // as sysfs and configfs say; what is read ends where the value ends
constexpr blksize_t kBlockBytes = 4096;
// How long the kernel may go on without asking whether a name is there: one that goes with its directory
// alone, and a directory's own.  What it asks of a directory that has gone tells it to ask anew (ESTALE); so
// the second only has to be long enough for the next steps of who made it or works there.
constexpr double kFixedSeconds = 86400;
constexpr double kDirectorySeconds = 1;

timespec timespec_of(std::chrono::system_clock::time_point time) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(since - seconds).count()};
}

mode_t permissions(const config::NodeInfo& info) {
  switch (info.kind) {
    case config::NodeKind::directory:
      return info.writable ? 0755 : 0555;
    case config::NodeKind::attribute:
      return (info.readable ? 0444U : 0U) | (info.writable ? 0200U : 0U);
    case config::NodeKind::link:
      break;
  }
  return 0777;
}

// Asked for with nearly every request, and the same for as long as the process lives.
struct Ids {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
};
const Ids& process_ids() {
  static const Ids ids;
  return ids;
}

// Calls that change what the tree does not let anybody change.
template <class... Rest>
void never(fuse_req_t request, Rest... /*rest*/) {
  fuse_reply_err(request, EPERM);
}

}  // namespace

int error_number(const Error& error) {
  constexpr int kMost = 999;  // libfuse's
  return error.code > 0 && error.code <= kMost ? error.code : EIO;
}

std::unexpected<Error> gone() {
  return fail(ESTALE, "the object is not there any more");
}

mode_t type_of(config::NodeKind kind) {
  switch (kind) {
    case config::NodeKind::directory:
      return S_IFDIR;
    case config::NodeKind::attribute:
      return S_IFREG;
    case config::NodeKind::link:
      break;
  }
  return S_IFLNK;
}

struct stat status_of(const config::NodeInfo& info, Inode inode, std::size_t link_bytes) {
  struct stat status{};
  status.st_ino = inode;
  status.st_mode = type_of(info.kind) | permissions(info);
  status.st_nlink = 1;  // of a directory: the subdirectories are not counted
  status.st_uid = process_ids().user;
  status.st_gid = process_ids().group;
  status.st_blksize = kBlockBytes;
  if (info.kind == config::NodeKind::attribute) status.st_size = kAttributeBytes;
  if (info.kind == config::NodeKind::link) status.st_size = static_cast<off_t>(link_bytes);
  status.st_atim = status.st_mtim = status.st_ctim = timespec_of(info.changed);
  return status;
}

bool is_owner(fuse_req_t request) {
  const uid_t user = fuse_req_ctx(request)->uid;
  return user == 0 || user == process_ids().user;
}

Face& Face::of(fuse_req_t request) {
  return *static_cast<Face*>(fuse_req_userdata(request));
}

Result<struct stat> Face::status(const std::string& path, const config::NodeInfo& info, Inode inode) const {
  std::size_t link_bytes = 0;
  if (info.kind == config::NodeKind::link) {
    const Result<std::string> target = tree_.read_link(path);
    if (!target) return std::unexpected(target.error());
    link_bytes = target->size();
  }
  return status_of(info, inode, link_bytes);
}

Result<struct stat> Face::status(Inode inode) {
  const std::optional<std::string> path = inodes_.path(inode);
  if (!path) return gone();
  const Result<config::NodeInfo> info = tree_.info(*path);
  Result<struct stat> found = info ? status(*path, *info, inode) : std::unexpected(info.error());
  if (!found && found.error().code == ENOENT) lose(inode);
  return found;
}

bool Face::is_there(Inode inode) const {
  const std::optional<std::string> path = inodes_.path(inode);
  return path && tree_.info(*path);
}

// What goes with its directory went with the object above it: that one loses its number, so that the kernel
// lets go of all that it knows below.
void Face::lose(Inode inode) {
  for (Inode above = inodes_.parent(inode); above != kRootInode && !is_there(above);
       above = inodes_.parent(above))
    inode = above;
  if (!is_there(inode)) inodes_.detach(inode);  // else it has just been made again
}

// The number is counted already: the kernel may forget it before this returns.
void Face::answer_entry(fuse_req_t request, Inode inode, const struct stat& status, bool fixed) {
  fuse_entry_param entry{};
  entry.ino = inode;
  entry.attr = status;
  entry.attr.st_ino = inode;
  if (fixed)
    entry.entry_timeout = kFixedSeconds;
  else if (S_ISDIR(status.st_mode))
    entry.entry_timeout = kDirectorySeconds;
  // The caller of an interrupted call does not take the answer, and will not forget what was in it.
  if (fuse_reply_entry(request, &entry) != 0) inodes_.forget(inode, 1);
}

fuse_lowlevel_ops Face::operations() {
  fuse_lowlevel_ops all{};
  all.lookup = [](fuse_req_t its, fuse_ino_t parent, const char* name) { of(its).lookup(its, parent, name); };
  all.forget = [](fuse_req_t its, fuse_ino_t inode, std::uint64_t lookups) {
    of(its).inodes_.forget(inode, lookups);
    fuse_reply_none(its);
  };
  all.forget_multi = [](fuse_req_t its, std::size_t count, fuse_forget_data* forgets) {
    for (std::size_t i = 0; i < count; ++i) of(its).inodes_.forget(forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(its);
  };
  all.getattr = [](fuse_req_t its, fuse_ino_t inode, fuse_file_info*) { of(its).get_attributes(its, inode); };
  all.setattr = [](fuse_req_t its, fuse_ino_t inode, struct stat*, int which, fuse_file_info*) {
    of(its).set_attributes(its, inode, which);
  };
  all.readlink = [](fuse_req_t its, fuse_ino_t inode) { of(its).read_link(its, inode); };
  all.statfs = [](fuse_req_t its, fuse_ino_t) { answer_statfs(its); };
  all.access = [](fuse_req_t its, fuse_ino_t inode, int wanted) { of(its).check_access(its, inode, wanted); };

  all.open = [](fuse_req_t its, fuse_ino_t inode, fuse_file_info* file) { of(its).open(its, inode, *file); };
  all.read = [](fuse_req_t its, fuse_ino_t inode, std::size_t bytes, off_t at, fuse_file_info* file) {
    of(its).read(its, inode, bytes, static_cast<std::size_t>(at), file->fh);
  };
  all.release = [](fuse_req_t its, fuse_ino_t, fuse_file_info* file) {
    of(its).files_.erase(file->fh);
    fuse_reply_err(its, 0);
  };
  all.opendir = [](fuse_req_t its, fuse_ino_t inode, fuse_file_info* file) {
    of(its).open_directory(its, inode, *file);
  };
  all.readdir = [](fuse_req_t its, fuse_ino_t inode, std::size_t bytes, off_t at, fuse_file_info* file) {
    of(its).read_directory(its, inode, bytes, static_cast<std::size_t>(at), file->fh);
  };
  all.releasedir = [](fuse_req_t its, fuse_ino_t, fuse_file_info* file) {
    of(its).directories_.erase(file->fh);
    fuse_reply_err(its, 0);
  };

  all.write = [](fuse_req_t its, fuse_ino_t inode, const char* data, std::size_t bytes, off_t,
                 fuse_file_info*) { of(its).write(its, inode, {data, bytes}); };
  all.mkdir = [](fuse_req_t its, fuse_ino_t parent, const char* name, mode_t) {
    of(its).make_directory(its, parent, name);
  };
  all.rmdir = [](fuse_req_t its, fuse_ino_t parent, const char* name) {
    of(its).remove_directory(its, parent, name);
  };
  all.symlink = [](fuse_req_t its, const char* target, fuse_ino_t parent, const char* name) {
    of(its).make_link(its, target, parent, name);
  };
  all.unlink = [](fuse_req_t its, fuse_ino_t parent, const char* name) {
    of(its).remove_link(its, parent, name);
  };

  // An object's name is its identity, and attributes come with their object.
  all.rename = &never<fuse_ino_t, const char*, fuse_ino_t, const char*, unsigned>;
  all.link = &never<fuse_ino_t, fuse_ino_t, const char*>;
  all.mknod = &never<fuse_ino_t, const char*, mode_t, dev_t>;
  all.create = &never<fuse_ino_t, const char*, mode_t, fuse_file_info*>;
  return all;
}

}  // namespace weft::faces
