#include "exports/ublk/device.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

namespace weft::ublk {

namespace {

constexpr std::uint16_t kDepth = 64;
constexpr std::uint32_t kMostBytes = 512 * 1024;  // of a request
constexpr std::uint32_t kMostErasedBytes = 1U << 30;
constexpr std::chrono::milliseconds kPause{1};
// In what the driver keeps for its servers: who made a device.
constexpr std::uint64_t kOurs = std::uint64_t{0x77656674} << 32;
constexpr std::uint64_t kOursMask = std::uint64_t{0xFFFFFFFF} << 32;

std::uint8_t shift_of(std::uint64_t bytes) {
  return static_cast<std::uint8_t>(std::bit_width(bytes) - 1);
}

ublk_params parameters_of(const block::Geometry& geometry) {
  const auto attributes = [&](bool has, std::uint32_t bit) { return has ? bit : 0; };
  const std::uint64_t optimal = std::max<std::uint64_t>(
      kPageMemoryBytes, std::uint64_t{geometry.optimal_io_blocks} * geometry.block_bytes);
  ublk_params all{.len = sizeof all, .types = UBLK_PARAM_TYPE_BASIC | UBLK_PARAM_TYPE_DISCARD};
  all.basic = {.attrs = attributes(geometry.read_only, UBLK_ATTR_READ_ONLY) |
                        attributes(geometry.rotational, UBLK_ATTR_ROTATIONAL) |
                        attributes(geometry.volatile_cache, UBLK_ATTR_VOLATILE_CACHE | UBLK_ATTR_FUA),
               .logical_bs_shift = shift_of(geometry.block_bytes),
               .physical_bs_shift = shift_of(geometry.block_bytes),
               .io_opt_shift = shift_of(optimal),
               .io_min_shift = shift_of(geometry.block_bytes),
               .max_sectors = kMostBytes >> kSectorShift,
               .dev_sectors = geometry.bytes() >> kSectorShift};
  const bool discards = geometry.discard_granularity_blocks != 0;
  all.discard = {
      .discard_granularity = std::max(geometry.discard_granularity_blocks, 1U) * geometry.block_bytes,
      .max_discard_sectors = discards ? kMostErasedBytes >> kSectorShift : 0,
      .max_write_zeroes_sectors = kMostErasedBytes >> kSectorShift,
      .max_discard_segments = static_cast<std::uint16_t>(discards ? 1 : 0)};
  return all;
}

// Who still has it mounted holds on to a device that has stopped: not for us to wait for, where the driver
// can do without.
void delete_device(Control& control, std::uint32_t id) {
  if (control.run(kDeleteDeviceLater, id) == EOPNOTSUPP) control.run(kDeleteDevice, id);
}

// A process that was killed leaves its devices to the driver, dead.
void delete_those_of_the_dead(Control& control) {
  constexpr std::string_view kPrefix = "ublkc";
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/dev", error)) {
    const std::string name = entry.path().filename();
    std::uint32_t id = 0;
    if (!name.starts_with(kPrefix) ||
        std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), id).ec != std::errc())
      continue;
    ublksrv_ctrl_dev_info info{};
    if (control.run_with(kGetDeviceInfo, id, info) != 0 || info.state != UBLK_S_DEV_DEAD) continue;
    if ((info.ublksrv_flags & kOursMask) != kOurs) continue;
    const auto owner = static_cast<pid_t>(info.ublksrv_flags & ~kOursMask);
    if (::kill(owner, 0) != 0 && errno == ESRCH) delete_device(control, id);
  }
}

}  // namespace

Device::Device(reactor::Reactors& reactors, std::shared_ptr<block::Backend> backend,
               std::unique_ptr<Control> control)
    : reactors_(reactors), backend_(std::move(backend)), control_(std::move(control)) {}

Result<std::unique_ptr<Device>> Device::start(reactor::Reactors& reactors,
                                              std::shared_ptr<block::Backend> backend) {
  auto control = Control::open();
  if (!control) return std::unexpected(control.error());
  delete_those_of_the_dead(**control);
  std::unique_ptr<Device> self(new Device(reactors, std::move(backend), std::move(*control)));
  if (const auto added = self->add(); !added) return std::unexpected(added.error());
  if (const auto served = self->serve(); !served) return std::unexpected(served.error());
  self->backend_->add_observer(*self);
  self->keeper_ = std::thread([its = self.get()] { its->keep(); });
  self->geometry_changed();  // it may have, since
  return self;
}

Result<> Device::add() {
  info_ = {.nr_hw_queues = static_cast<std::uint16_t>(reactors_.all().size()),
           .queue_depth = kDepth,
           .max_io_buf_bytes = kMostBytes,
           .dev_id = 0xFFFFFFFF,
           .ublksrv_pid = ::getpid(),
           .flags = kEncodedCodes,
           .ublksrv_flags = kOurs | static_cast<std::uint32_t>(::getpid())};
  if (const int error = control_->run_with(kAddDevice, info_.dev_id, info_); error != 0)
    return fail_errno(error, "ublk: a new device");
  is_added_ = true;
  ublk_params parameters = parameters_of(backend_->geometry());
  if (const int error = control_->run_with(kSetParameters, info_.dev_id, parameters); error != 0)
    return fail_errno(error, fmt::format("ublk: the parameters of {}", path()));
  return {};
}

Result<> Device::serve() {
  const std::string channel = fmt::format("/dev/ublkc{}", info_.dev_id);
  fd_ = ::open(channel.c_str(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0) return fail_errno(errno, channel);
  for (std::uint16_t index = 0; index < info_.nr_hw_queues; ++index) {
    Loop& loop = *reactors_.all()[index];
    auto& queue = *queues_.emplace_back(std::make_unique<Queue>(loop, reactors_.of(loop), *backend_));
    const auto started = queue.start(
        {.fd = fd_, .index = index, .depth = info_.queue_depth, .most_bytes = info_.max_io_buf_bytes});
    if (!started) return started;
  }
  const int error = control_->run(kStartDevice, info_.dev_id, static_cast<std::uint64_t>(::getpid()));
  if (error != 0) return fail_errno(error, fmt::format("ublk: the start of {}", path()));
  return {};
}

void Device::keep() {
  ::pthread_setname_np(::pthread_self(), "weft-ublk");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_ending_ || is_resized_; });
    if (is_ending_) break;
    is_resized_ = false;
    lock.unlock();
    if ((control_->features() & kSizeUpdates) != 0)
      control_->run(kUpdateSize, info_.dev_id, backend_->geometry().bytes() >> kSectorShift);
    lock.lock();
  }
  lock.unlock();
  control_->run(kStopDevice, info_.dev_id);
  is_stopped_.store(true, std::memory_order_release);
}

void Device::geometry_changed() {
  const std::scoped_lock lock(mutex_);
  is_resized_ = true;
  changed_.notify_all();
}

void Device::end() {
  const std::scoped_lock lock(mutex_);
  is_ending_ = true;
  changed_.notify_all();
}

bool Device::is_idle() const {
  return is_stopped_.load(std::memory_order_acquire) &&
         std::ranges::all_of(queues_, [](const auto& queue) { return queue->is_over(); });
}

Device::~Device() {
  if (keeper_.joinable()) {
    backend_->remove_observer(*this);
    end();
    keeper_.join();
  } else if (is_added_) {
    control_->run(kStopDevice, info_.dev_id);
    is_stopped_ = true;
  }
  while (is_added_ && !is_idle()) std::this_thread::sleep_for(kPause);
  queues_.clear();
  if (fd_ >= 0) ::close(fd_);
  if (is_added_) delete_device(*control_, info_.dev_id);
}

std::string Device::path() const {
  return fmt::format("/dev/ublkb{}", info_.dev_id);
}

std::uint32_t Device::clients() const {
  std::uint32_t count = 0;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const std::size_t at = line.find(' ' + path());
    if (at == std::string::npos) continue;
    const std::size_t end = at + 1 + path().size();  // a partition of it is "p1"
    if (end < line.size() && (line[end] == ' ' || line[end] == 'p')) ++count;
  }
  std::error_code error;
  for (const auto& holder : std::filesystem::directory_iterator(
           fmt::format("/sys/class/block/ublkb{}/holders", info_.dev_id), error)) {
    static_cast<void>(holder);
    ++count;
  }
  return count;
}

}  // namespace weft::ublk
