#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "cli/medium.h"

namespace weft::cli {

namespace {

Result<std::size_t> read_fully(int fd, std::span<std::byte> into, std::optional<std::uint64_t> at,
                               const std::string& name) {
  std::size_t got = 0;
  while (got < into.size()) {
    const ssize_t count =
        at ? ::pread(fd, into.data() + got, into.size() - got, static_cast<off_t>(*at + got))
           : ::read(fd, into.data() + got, into.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, name + ": reading");
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  return got;
}

Result<> write_fully(int fd, std::span<const std::byte> from, std::optional<std::uint64_t> at,
                     const std::string& name) {
  for (std::size_t done = 0; done < from.size();) {
    const ssize_t count =
        at ? ::pwrite(fd, from.data() + done, from.size() - done, static_cast<off_t>(*at + done))
           : ::write(fd, from.data() + done, from.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, name + ": writing");
    done += static_cast<std::size_t>(count);
  }
  return {};
}

class FileMedium final : public Medium {
 public:
  FileMedium(int fd, std::string path, std::optional<std::uint64_t> bytes)
      : fd_(fd), path_(std::move(path)), bytes_(bytes) {}
  ~FileMedium() override { ::close(fd_); }
  std::string name() const override { return path_; }
  std::optional<std::uint64_t> bytes() const override { return bytes_; }
  Result<std::size_t> read(std::uint64_t at, std::span<std::byte> into) override {
    return read_fully(fd_, into, at, path_);
  }
  Result<> write(std::uint64_t at, std::span<const std::byte> from) override {
    return write_fully(fd_, from, at, path_);
  }
  Result<> finish() override {
    if (::fdatasync(fd_) != 0) return fail_errno(errno, path_ + ": fdatasync");
    return {};
  }

 private:
  const int fd_;
  const std::string path_;
  const std::optional<std::uint64_t> bytes_;
};

class StreamMedium final : public Medium {
 public:
  enum class Owner : std::uint8_t { process, medium };
  StreamMedium(int fd, std::string name, Owner owner) : fd_(fd), name_(std::move(name)), owner_(owner) {}
  ~StreamMedium() override {
    if (owner_ == Owner::medium) ::close(fd_);
  }
  std::string name() const override { return name_; }
  std::optional<std::uint64_t> bytes() const override { return std::nullopt; }
  bool is_stream() const override { return true; }
  Result<std::size_t> read(std::uint64_t, std::span<std::byte> into) override {
    return read_fully(fd_, into, std::nullopt, name_);
  }
  Result<> write(std::uint64_t, std::span<const std::byte> from) override {
    return write_fully(fd_, from, std::nullopt, name_);
  }

 private:
  const int fd_;
  const std::string name_;
  const Owner owner_;
};

}  // namespace

Result<std::unique_ptr<Medium>> open_file(const std::string& path, Use use) {
  const bool source = use == Use::source;
  if (path == "-")
    return std::make_unique<StreamMedium>(source ? STDIN_FILENO : STDOUT_FILENO,
                                          source ? "standard input" : "standard output",
                                          StreamMedium::Owner::process);
  constexpr mode_t kMode = 0666;
  const int fd = source ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC)
                        : ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode);
  if (fd < 0) return fail_errno(errno, path);
  struct stat status{};
  ::fstat(fd, &status);
  const bool regular = S_ISREG(status.st_mode);
  if (!regular && !S_ISBLK(status.st_mode)) {  // a pipe, /dev/zero
    auto stream = std::make_unique<StreamMedium>(fd, path, StreamMedium::Owner::medium);
    if (S_ISDIR(status.st_mode)) return fail(EISDIR, path + ": it is a directory; name a file");
    return stream;
  }
  auto medium = [&](std::optional<std::uint64_t> bytes) {
    return std::make_unique<FileMedium>(fd, path, bytes);
  };
  if (!regular) return medium(static_cast<std::uint64_t>(::lseek(fd, 0, SEEK_END)));
  if (source) return medium(static_cast<std::uint64_t>(status.st_size));
  auto made = medium(std::nullopt);
  if (::ftruncate(fd, 0) != 0) return fail_errno(errno, path + ": truncating");
  return made;
}

}  // namespace weft::cli
