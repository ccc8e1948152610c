// One of the queues of a ublk device, served on one loop: requests come and go by the loop's own ring.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/loop.h"
#include "base/page_memory.h"
#include "base/result.h"
#include "block/backend.h"
#include "exports/ublk/protocol.h"
#include "reactor/device_io.h"

namespace weft::ublk {

struct QueueOptions {
  int fd = -1;  // of the device's /dev/ublkcN
  std::uint16_t index = 0;
  std::uint16_t depth = 0;
  std::uint32_t most_bytes = 0;  // of a request
};

class Queue {
 public:
  // What it is given outlives it.  Off the loops, as all without a remark.
  Queue(Loop& loop, reactor::DeviceIo& device, block::Backend& backend);
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  // Asks for requests.
  Result<> start(const QueueOptions& options);
  // The driver has taken back all that was asked for, and the backend has answered all.  Any thread.
  bool is_over() const { return tags_out_.load(std::memory_order_acquire) == 0; }

 private:
  struct Tag;

  // On the loop.
  void on_request(Tag& tag, int result);
  void begin(Tag& tag);
  void answer(Tag& tag, int result);
  void send(Tag& tag, std::uint32_t code, int result);

  Loop& loop_;
  reactor::DeviceIo& device_;
  block::Backend& backend_;
  QueueOptions options_;
  const ublksrv_io_desc* described_ = nullptr;  // by the tag; shared with the driver
  std::size_t described_bytes_ = 0;
  std::unique_ptr<block::Channel> channel_;
  PageMemory memory_;  // for the data of all tags
  std::vector<std::unique_ptr<Tag>> tags_;
  std::atomic<std::uint32_t> tags_out_{0};
};

}  // namespace weft::ublk
