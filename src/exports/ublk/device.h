// A backend as a block device of this kernel, /dev/ublkbN, with a queue on each loop.
//
// Reads, writes, forced writes, flush, discard and zeroes arrive at the backend as such.  Where the kernel
// can (Linux 6.16), its size follows the backend's.  It ends with this process.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "block/backend.h"
#include "exports/ublk/control.h"
#include "exports/ublk/queue.h"
#include "reactor/reactor.h"

namespace weft::ublk {

class Device final : private block::BackendObserver {
 public:
  // Blocks until the kernel has looked for partitions, so the backend has to answer.  Off the loops, as all
  // else.
  static Result<std::unique_ptr<Device>> start(reactor::Reactors& reactors,
                                               std::shared_ptr<block::Backend> backend);
  // Takes the block device away, behind this call: a file system on it is written back first.
  void end();
  bool is_idle() const;  // it is away.  Any thread.
  ~Device();             // ends, and waits for that

  std::string path() const;
  std::uint32_t clients() const;  // mounted file systems and devices on top of it, as this process sees them

 private:
  Device(reactor::Reactors& reactors, std::shared_ptr<block::Backend> backend,
         std::unique_ptr<Control> control);
  Result<> add();
  Result<> serve();
  void keep();
  void geometry_changed() override;

  reactor::Reactors& reactors_;
  const std::shared_ptr<block::Backend> backend_;
  const std::unique_ptr<Control> control_;  // start()'s, then the keeper's, then the destructor's
  ublksrv_ctrl_dev_info info_{};
  bool is_added_ = false;
  int fd_ = -1;
  std::vector<std::unique_ptr<Queue>> queues_;

  // What may block for the driver, behind those that ask for it.
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_ending_ = false;
  bool is_resized_ = false;
  std::atomic<bool> is_stopped_{false};
  std::thread keeper_;
};

}  // namespace weft::ublk
