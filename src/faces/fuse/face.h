// What the kernel asks of a mounted tree, and the answers.  Every call here comes on the session's thread;
// changes are answered later, on whatever thread the tree answers on (requests.h).
//
// Errors: the tree's errno.  ESTALE for a number whose object is gone: on it the kernel asks for the names of
// the path anew, once, and whoever has no path but an open directory sees it.  A reason in words has no way
// through the kernel: it is in the object's last_error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/tree.h"
#include "faces/fuse/inode_table.h"
#include "faces/fuse/requests.h"
#include "fuse/libfuse.h"

namespace weft::faces {

class Face {
 public:
  explicit Face(config::Tree& tree) : tree_(tree) {}
  Face(const Face&) = delete;
  Face& operator=(const Face&) = delete;

  // The session's user data is the Face.
  static fuse_lowlevel_ops operations();

  Requests& requests() { return *requests_; }
  const InodeTable& inodes() const { return inodes_; }

 private:
  // A value as it was when it was read from its beginning: reading it in pieces gives one value.
  struct OpenFile {
    bool filled = false;
    std::string text;
  };
  struct OpenDirectory {
    bool read = false;
    std::vector<config::NodeEntry> entries;
  };

  // --- face_looking.cc
  void lookup(fuse_req_t request, Inode parent, const char* name);
  void get_attributes(fuse_req_t request, Inode inode);
  void set_attributes(fuse_req_t request, Inode inode, int which);
  void read_link(fuse_req_t request, Inode inode);
  static void answer_statfs(fuse_req_t request);
  void check_access(fuse_req_t request, Inode inode, int wanted);

  // --- face_open.cc
  void open(fuse_req_t request, Inode inode, fuse_file_info& file);
  void read(fuse_req_t request, Inode inode, std::size_t bytes, std::size_t at, std::uint64_t handle);
  void open_directory(fuse_req_t request, Inode inode, fuse_file_info& file);
  void read_directory(fuse_req_t request, Inode inode, std::size_t bytes, std::size_t at,
                      std::uint64_t handle);
  Result<> fill(OpenFile& file, Inode inode) const;
  Result<> fill(OpenDirectory& directory, Inode inode) const;

  // --- face_changing.cc
  void make_directory(fuse_req_t request, Inode parent, const char* name);
  void remove_directory(fuse_req_t request, Inode parent, const char* name);
  void make_link(fuse_req_t request, const char* target, Inode parent, const char* name);
  void remove_link(fuse_req_t request, Inode parent, const char* name);
  void write(fuse_req_t request, Inode inode, std::string_view value);
  void answer_made(fuse_req_t request, Inode parent, const std::string& name, config::NodeKind kind,
                   std::size_t size_bytes);
  std::function<void(fuse_req_t)> removed(Inode parent, const char* name);
  template <class Reply, class Start>
  void change(fuse_req_t request, const std::optional<std::string>& path, Reply reply, Start start);
  template <class Reply>
  config::Answer answer(const Requests::Ticket& ticket, Reply reply);

  // --- face.cc
  static Face& of(fuse_req_t request);
  // What the object is now.  One that is not there any more loses its number.
  Result<struct stat> status(Inode inode);
  Result<struct stat> status(const std::string& path, const config::NodeInfo& info, Inode inode) const;
  bool is_there(Inode inode) const;
  void lose(Inode inode);
  void answer_entry(fuse_req_t request, Inode inode, const struct stat& status, bool fixed);

  config::Tree& tree_;
  InodeTable inodes_;
  const std::shared_ptr<Requests> requests_ = std::make_shared<Requests>();
  // By handle; of the session's thread.
  std::unordered_map<std::uint64_t, OpenFile> files_;
  std::unordered_map<std::uint64_t, OpenDirectory> directories_;
  std::uint64_t next_handle_ = 0;
};

// The errno of an error, in the range that the kernel takes.
int error_number(const Error& error);

std::unexpected<Error> gone();  // ESTALE

struct stat status_of(const config::NodeInfo& info, Inode inode, std::size_t link_bytes);
mode_t type_of(config::NodeKind kind);  // S_IFDIR, S_IFREG, S_IFLNK

// Whether who asks may change what the mode bits let the owner change.
bool is_owner(fuse_req_t request);

template <class Reply>
config::Answer Face::answer(const Requests::Ticket& ticket, Reply reply) {
  return [requests = requests_, ticket, reply = std::move(reply)](const Result<>& result) mutable {
    requests->finish(ticket, [&](fuse_req_t request) {
      if (result)
        reply(request);
      else
        fuse_reply_err(request, error_number(result.error()));
    });
  };
}

}  // namespace weft::faces
