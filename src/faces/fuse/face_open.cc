// Open attributes and directories, and what is read from them.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "faces/fuse/face.h"

namespace weft::faces {

namespace {

// d_ino of what the kernel has not looked up; 0 would be taken for a removed entry.
constexpr Inode kUnknownInode = 0xffffffff;
constexpr std::size_t kDots = 2;  // "." and ".." stand before the entries

}  // namespace

void Face::open(fuse_req_t request, Inode inode, fuse_file_info& file) {
  const std::optional<std::string> path = inodes_.path(inode);
  if (!path) return void(fuse_reply_err(request, ESTALE));
  const Result<config::NodeInfo> info = tree_.info(*path);
  if (!info) return void(fuse_reply_err(request, error_number(info.error())));
  const int access = file.flags & O_ACCMODE;
  const bool may_write = info->writable && is_owner(request);
  if ((access != O_WRONLY && !info->readable) || (access != O_RDONLY && !may_write))
    return void(fuse_reply_err(request, EACCES));
  file.fh = next_handle_++;
  file.direct_io = 1;
  files_[file.fh];
  // An open that was interrupted is not closed.
  if (fuse_reply_open(request, &file) != 0) files_.erase(file.fh);
}

Result<> Face::fill(OpenFile& file, Inode inode) const {
  const std::optional<std::string> path = inodes_.path(inode);
  if (!path) return gone();
  Result<std::string> value = tree_.read(*path);
  if (!value) return std::unexpected(value.error());
  file.text = *std::move(value);
  if (!file.text.empty() && file.text.back() != '\n') file.text += '\n';
  file.filled = true;
  return {};
}

void Face::read(fuse_req_t request, Inode inode, std::size_t bytes, std::size_t at, std::uint64_t handle) {
  const auto found = files_.find(handle);
  if (found == files_.end()) return void(fuse_reply_err(request, EBADF));
  OpenFile& file = found->second;
  if (at == 0 || !file.filled)
    if (const Result<> filled = fill(file, inode); !filled)
      return void(fuse_reply_err(request, error_number(filled.error())));
  const std::string_view text = file.text;
  const std::string_view piece = text.substr(std::min(at, text.size()), bytes);
  fuse_reply_buf(request, piece.data(), piece.size());
}

Result<> Face::fill(OpenDirectory& directory, Inode inode) const {
  const std::optional<std::string> path = inodes_.path(inode);
  if (!path) return gone();
  Result<std::vector<config::NodeEntry>> entries = tree_.list(*path);
  if (!entries) return std::unexpected(entries.error());
  directory.entries = *std::move(entries);
  return {};
}

void Face::open_directory(fuse_req_t request, Inode inode, fuse_file_info& file) {
  OpenDirectory directory;
  if (const Result<> filled = fill(directory, inode); !filled)
    return void(fuse_reply_err(request, error_number(filled.error())));
  file.fh = next_handle_++;
  directories_[file.fh] = std::move(directory);
  if (fuse_reply_open(request, &file) != 0) directories_.erase(file.fh);
}

// An offset is the number of entries before it in the snapshot, "." and ".." included.
void Face::read_directory(fuse_req_t request, Inode inode, std::size_t bytes, std::size_t at,
                          std::uint64_t handle) {
  const auto found = directories_.find(handle);
  if (found == directories_.end()) return void(fuse_reply_err(request, EBADF));
  OpenDirectory& directory = found->second;
  if (at == 0 && std::exchange(directory.read, true))  // rewinddir looks again
    if (const Result<> filled = fill(directory, inode); !filled)
      return void(fuse_reply_err(request, error_number(filled.error())));
  std::vector<char> buffer(bytes);
  std::size_t used = 0;
  for (; at < directory.entries.size() + kDots; ++at) {
    struct stat status{};
    const char* name = at == 0 ? "." : "..";
    if (at < kDots) {
      status.st_ino = at == 0 ? inode : inodes_.parent(inode);
      status.st_mode = S_IFDIR;
    } else {
      const config::NodeEntry& entry = directory.entries[at - kDots];
      name = entry.name.c_str();
      status.st_ino = inodes_.find(inode, entry.name).value_or(kUnknownInode);
      status.st_mode = type_of(entry.kind);
    }
    const std::size_t needed = fuse_add_direntry(request, buffer.data() + used, bytes - used, name, &status,
                                                 static_cast<off_t>(at + 1));
    if (needed > bytes - used) break;
    used += needed;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

}  // namespace weft::faces
