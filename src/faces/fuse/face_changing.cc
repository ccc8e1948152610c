// Changes: the tree is asked, and the request waits for its answer without a thread.
#include <cerrno>
#include <chrono>

#include "faces/fuse/face.h"

namespace weft::faces {

namespace {

constexpr std::size_t kMostValueBytes = std::size_t{64} * 1024;

}  // namespace

// What it is in detail the kernel asks before it shows it: no status that is told here counts for any time.
void Face::answer_made(fuse_req_t request, Inode parent, const std::string& name, config::NodeKind kind,
                       std::size_t size_bytes) {
  const std::optional<Inode> inode = inodes_.enter_new(parent, name, kind);
  if (!inode) return void(fuse_reply_err(request, ESTALE));
  const config::NodeInfo info{.kind = kind, .writable = true, .changed = std::chrono::system_clock::now()};
  answer_entry(request, *inode, status_of(info, *inode, size_bytes), false);
}

std::function<void(fuse_req_t)> Face::removed(Inode parent, const char* name) {
  return [this, parent, name = std::string(name)](fuse_req_t request) {
    inodes_.detach(parent, name);
    fuse_reply_err(request, 0);
  };
}

// Starts a change of what is at the path; when the tree says that it was made, `reply` answers.
template <class Reply, class Start>
void Face::change(fuse_req_t request, const std::optional<std::string>& path, Reply reply, Start start) {
  if (!is_owner(request)) return void(fuse_reply_err(request, EACCES));
  if (!path) return void(fuse_reply_err(request, ESTALE));
  if (const std::optional<Requests::Ticket> ticket = requests_->begin(request))
    start(*path, answer(*ticket, std::move(reply)));
}

void Face::make_directory(fuse_req_t request, Inode parent, const char* name) {
  change(
      request, inodes_.path(parent, name),
      [this, parent, name = std::string(name)](fuse_req_t its) {
        answer_made(its, parent, name, config::NodeKind::directory, 0);
      },
      [this](const std::string& path, config::Answer its) { tree_.make_directory(path, std::move(its)); });
}

void Face::make_link(fuse_req_t request, const char* target, Inode parent, const char* name) {
  const std::string_view text = target;
  change(
      request, inodes_.path(parent, name),
      [this, parent, name = std::string(name), bytes = text.size()](fuse_req_t its) {
        answer_made(its, parent, name, config::NodeKind::link, bytes);
      },
      [this, text](const std::string& path, config::Answer its) {
        tree_.make_link(path, text, std::move(its));
      });
}

void Face::remove_directory(fuse_req_t request, Inode parent, const char* name) {
  change(
      request, inodes_.path(parent, name), removed(parent, name),
      [this](const std::string& path, config::Answer its) { tree_.remove_directory(path, std::move(its)); });
}

void Face::remove_link(fuse_req_t request, Inode parent, const char* name) {
  const std::optional<std::string> path = inodes_.path(parent, name);
  if (!path) return void(fuse_reply_err(request, ESTALE));
  const Result<config::NodeInfo> info = tree_.info(*path);
  if (!info) return void(fuse_reply_err(request, error_number(info.error())));
  // Attributes go with their directory.
  if (info->kind != config::NodeKind::link) return void(fuse_reply_err(request, EPERM));
  change(request, path, removed(parent, name), [this](const std::string& its_path, config::Answer its) {
    tree_.remove_link(its_path, std::move(its));
  });
}

void Face::write(fuse_req_t request, Inode inode, std::string_view value) {
  if (value.size() > kMostValueBytes) return void(fuse_reply_err(request, EFBIG));
  change(
      request, inodes_.path(inode), [bytes = value.size()](fuse_req_t its) { fuse_reply_write(its, bytes); },
      [this, value](const std::string& path, config::Answer its) {
        tree_.write(path, value, std::move(its));
      });
}

}  // namespace weft::faces
