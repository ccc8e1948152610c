// Names, status and links.
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "faces/fuse/face.h"

namespace weft::faces {

void Face::lookup(fuse_req_t request, Inode parent, const char* name) {
  const std::optional<std::string> path = inodes_.path(parent, name);
  if (!path) return void(fuse_reply_err(request, ESTALE));
  const std::optional<Inode> known = inodes_.find(parent, name);
  const Result<config::NodeInfo> info = tree_.info(*path);
  const Result<struct stat> found = info ? status(*path, *info, 0) : std::unexpected(info.error());
  if (!found) {
    // Only the one that had the name before the tree was asked: a new one may have been made meanwhile.
    if (found.error().code == ENOENT && known) inodes_.detach(*known);
    return void(fuse_reply_err(request, error_number(found.error())));
  }
  const std::optional<Inode> inode = inodes_.enter(parent, name, info->kind);
  if (!inode) return void(fuse_reply_err(request, ESTALE));
  answer_entry(request, *inode, *found, info->fixed);
}

void Face::get_attributes(fuse_req_t request, Inode inode) {
  const Result<struct stat> found = status(inode);
  if (!found) return void(fuse_reply_err(request, error_number(found.error())));
  fuse_reply_attr(request, &*found, 0);
}

// Truncation is how a shell begins to write, and changes nothing.  Times that programs set after writing
// (touch, cp, tar) are dropped: a failure would be told of a change that has taken place.  Modes and owners
// are the tree's.
void Face::set_attributes(fuse_req_t request, Inode inode, int which) {
  if ((which & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0)
    return void(fuse_reply_err(request, EPERM));
  const Result<struct stat> found = status(inode);
  if (!found) return void(fuse_reply_err(request, error_number(found.error())));
  const bool may_write = is_owner(request) && (found->st_mode & S_IWUSR) != 0;
  if ((which & FUSE_SET_ATTR_SIZE) != 0 && !may_write) return void(fuse_reply_err(request, EACCES));
  if (!is_owner(request)) return void(fuse_reply_err(request, EPERM));
  fuse_reply_attr(request, &*found, 0);
}

void Face::read_link(fuse_req_t request, Inode inode) {
  const std::optional<std::string> path = inodes_.path(inode);
  if (!path) return void(fuse_reply_err(request, ESTALE));
  const Result<std::string> target = tree_.read_link(*path);
  if (!target) return void(fuse_reply_err(request, error_number(target.error())));
  fuse_reply_readlink(request, target->c_str());
}

// What access(2) asks, and the kernel for chdir.
void Face::check_access(fuse_req_t request, Inode inode, int wanted) {
  const Result<struct stat> found = status(inode);
  if (!found) return void(fuse_reply_err(request, error_number(found.error())));
  const mode_t has = is_owner(request) ? found->st_mode >> 6 : found->st_mode;
  fuse_reply_err(request, (static_cast<mode_t>(wanted) & ~has & (R_OK | W_OK | X_OK)) == 0 ? 0 : EACCES);
}

// No blocks: df leaves it out, as it does with all that stores nothing.
void Face::answer_statfs(fuse_req_t request) {
  constexpr unsigned long kBlockBytes = 4096;
  constexpr unsigned long kMostNameBytes = 255;
  struct statvfs status{};
  status.f_bsize = status.f_frsize = kBlockBytes;
  status.f_namemax = kMostNameBytes;
  fuse_reply_statfs(request, &status);
}

}  // namespace weft::faces
