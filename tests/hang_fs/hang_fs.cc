// weft_hang_fs open|io|close DIRECTORY: a file system with the files 0, 1, 2, ... of 16 MiB of zeroes, which
// drops what is written.  From SIGUSR1 on it never answers open; or read, write and fsync of files that are
// open; or their close.
//
// One thing ends a call that is not answered, besides the end of this file system: the death of the process
// that made it.  Other file systems that hang (NFS) let a dead process go as well; nobody could ever wait for
// one that they hold.
//
// Says "ready" when it is mounted.  Ends, and is unmounted, with the process that started it.
#define FUSE_USE_VERSION 34
#include <fuse3/fuse_lowlevel.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr off_t kFileBytes = 16 << 20;
constexpr double kForever = 86400;

enum class Mode { open, io, close };

volatile sig_atomic_t hanging = 0;
Mode mode = Mode::open;

void never_answer(fuse_req_t request) {
  fuse_req_interrupt_func(request, [](fuse_req_t its, void*) { fuse_reply_err(its, EINTR); }, nullptr);
}

bool hangs(Mode what) {
  return hanging != 0 && mode == what;
}

struct stat attributes(fuse_ino_t inode) {
  struct stat status{};
  status.st_ino = inode;
  status.st_uid = ::getuid();
  status.st_gid = ::getgid();
  status.st_nlink = 1;
  status.st_mode = inode == FUSE_ROOT_ID ? S_IFDIR | 0700 : S_IFREG | 0600;
  status.st_size = inode == FUSE_ROOT_ID ? 0 : kFileBytes;
  status.st_blksize = 4096;
  return status;
}

void on_init(void* /*data*/, fuse_conn_info* connection) {
  // Each file's calls are its own: no queue that they share fills up.
  connection->max_background = 1000;
  connection->congestion_threshold = 1000;
}

void on_lookup(fuse_req_t request, fuse_ino_t /*parent*/, const char* name) {
  char* end = nullptr;
  const unsigned long number = std::strtoul(name, &end, 10);
  if (*name < '0' || *name > '9' || *end != 0) return void(fuse_reply_err(request, ENOENT));
  fuse_entry_param entry{};
  entry.ino = number + 2;
  entry.attr = attributes(entry.ino);
  entry.attr_timeout = entry.entry_timeout = kForever;
  fuse_reply_entry(request, &entry);
}

void on_getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info* /*file*/) {
  const struct stat status = attributes(inode);
  fuse_reply_attr(request, &status, kForever);
}

void on_setattr(fuse_req_t request, fuse_ino_t inode, struct stat* /*wanted*/, int /*which*/,
                fuse_file_info* file) {
  on_getattr(request, inode, file);
}

void on_open(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* file) {
  if (hangs(Mode::open)) return never_answer(request);
  fuse_reply_open(request, file);
}

void on_read(fuse_req_t request, fuse_ino_t /*inode*/, size_t bytes, off_t /*at*/, fuse_file_info* /*file*/) {
  if (hangs(Mode::io)) return never_answer(request);
  const std::vector<char> zeroes(bytes);
  fuse_reply_buf(request, zeroes.data(), zeroes.size());
}

void on_write(fuse_req_t request, fuse_ino_t /*inode*/, const char* /*data*/, size_t bytes, off_t /*at*/,
              fuse_file_info* /*file*/) {
  if (hangs(Mode::io)) return never_answer(request);
  fuse_reply_write(request, bytes);
}

void on_fsync(fuse_req_t request, fuse_ino_t /*inode*/, int /*data_only*/, fuse_file_info* /*file*/) {
  if (hangs(Mode::io)) return never_answer(request);
  fuse_reply_err(request, 0);
}

// What close(2) waits for; nobody waits for a release.
void on_flush(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* /*file*/) {
  if (hangs(Mode::close)) return never_answer(request);
  fuse_reply_err(request, 0);
}

int serve(const std::string& directory) {
  fuse_lowlevel_ops operations{};
  operations.init = &on_init;
  operations.lookup = &on_lookup;
  operations.getattr = &on_getattr;
  operations.setattr = &on_setattr;
  operations.open = &on_open;
  operations.read = &on_read;
  operations.write = &on_write;
  operations.fsync = &on_fsync;
  operations.flush = &on_flush;

  std::string words[] = {"weft_hang_fs", "-o", "auto_unmount,fsname=weft_hang_fs"};
  char* pointers[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  fuse_args arguments = FUSE_ARGS_INIT(3, pointers);
  fuse_session* const session = fuse_session_new(&arguments, &operations, sizeof operations, nullptr);
  if (session == nullptr || fuse_session_mount(session, directory.c_str()) != 0) return 1;
  std::puts("ready");
  std::fflush(stdout);
  const int ended = fuse_session_loop(session);
  fuse_session_unmount(session);
  fuse_session_destroy(session);
  return ended == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string word = argc == 3 ? argv[1] : "";
  if (word != "open" && word != "io" && word != "close") {
    std::fputs("usage: weft_hang_fs open|io|close DIRECTORY\n", stderr);
    return 2;
  }
  mode = word == "open" ? Mode::open : word == "io" ? Mode::io : Mode::close;
  struct sigaction action{};
  action.sa_handler = [](int) { hanging = 1; };
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, nullptr);
  return serve(argv[2]);
}
