#include "exports/ublk/queue.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/run_on.h"

namespace weft::ublk {

struct Queue::Tag : reactor::DeviceCommand, block::Request {
  Tag(Queue& its_queue, std::uint16_t its_number)
      : DeviceCommand(&Tag::on_completed), queue(its_queue), number(its_number) {}

  static void on_completed(reactor::Completion& completion, int result, std::uint32_t) noexcept {
    auto& tag = static_cast<Tag&>(completion);
    tag.queue.on_request(tag, result);
  }
  static void on_done(block::Request& request) noexcept {
    auto& tag = static_cast<Tag&>(request);
    tag.queue.answer(tag, request.error != 0 ? -request.error : static_cast<int>(tag.piece.iov_len));
  }

  Queue& queue;
  const std::uint16_t number;
  std::byte* memory = nullptr;
  iovec piece{};
};

Queue::Queue(Loop& loop, reactor::DeviceIo& device, block::Backend& backend)
    : loop_(loop), device_(device), backend_(backend) {}

Queue::~Queue() {
  run_on(loop_, [this] { channel_.reset(); });
  if (described_ != nullptr) ::munmap(const_cast<ublksrv_io_desc*>(described_), described_bytes_);
}

Result<> Queue::start(const QueueOptions& options) {
  options_ = options;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  described_bytes_ = (options.depth * sizeof(ublksrv_io_desc) + page - 1) / page * page;
  const off_t place = UBLKSRV_CMD_BUF_OFFSET +
                      static_cast<off_t>(options.index * UBLK_MAX_QUEUE_DEPTH * sizeof(ublksrv_io_desc));
  void* const mapped =
      ::mmap(nullptr, described_bytes_, PROT_READ, MAP_SHARED | MAP_POPULATE, options.fd, place);
  if (mapped == MAP_FAILED) return fail_errno(errno, "ublk: the requests of a queue");
  described_ = static_cast<const ublksrv_io_desc*>(mapped);
  memory_ = page_memory(std::size_t{options.depth} * options.most_bytes);
  if (memory_ == nullptr) return fail_errno(ENOMEM, "ublk: a queue");
  for (std::uint16_t number = 0; number < options.depth; ++number) {
    auto& tag = *tags_.emplace_back(std::make_unique<Tag>(*this, number));
    tag.memory = memory_.get() + std::size_t{number} * options.most_bytes;
    tag.done = &Tag::on_done;
  }
  run_on(loop_, [this] {
    channel_ = backend_.open_channel(loop_);
    tags_out_.store(options_.depth, std::memory_order_relaxed);
    for (const auto& tag : tags_) send(*tag, kFetch, 0);
  });
  return {};
}

void Queue::send(Tag& tag, std::uint32_t code, int result) {
  const ublksrv_io_cmd argument{.q_id = options_.index,
                                .tag = tag.number,
                                .result = result,
                                .addr = reinterpret_cast<std::uintptr_t>(tag.memory)};
  static_assert(sizeof argument == sizeof tag.argument);
  std::memcpy(tag.argument.data(), &argument, sizeof argument);
  tag.fd = options_.fd;
  tag.code = code;
  device_.command(tag);
}

void Queue::on_request(Tag& tag, int result) {
  if (result == UBLK_IO_RES_OK) return begin(tag);
  tags_out_.fetch_sub(1, std::memory_order_release);
}

void Queue::begin(Tag& tag) {
  const ublksrv_io_desc& asked = described_[tag.number];
  const std::uint32_t sectors = backend_.geometry().block_bytes >> kSectorShift;
  tag.fua = (asked.op_flags & UBLK_IO_F_FUA) != 0;
  tag.may_unmap = false;
  tag.lba = asked.start_sector / sectors;
  tag.blocks = asked.nr_sectors / sectors;
  tag.data = {};
  tag.piece = {};
  switch (ublksrv_get_op(&asked)) {
    case UBLK_IO_OP_READ:
    case UBLK_IO_OP_WRITE:
      tag.op = ublksrv_get_op(&asked) == UBLK_IO_OP_READ ? block::Op::read : block::Op::write;
      tag.piece = {tag.memory, std::size_t{asked.nr_sectors} << kSectorShift};
      tag.data = {&tag.piece, 1};
      break;
    case UBLK_IO_OP_FLUSH:
      tag.op = block::Op::flush;
      tag.lba = tag.blocks = 0;
      break;
    case UBLK_IO_OP_DISCARD:
      tag.op = block::Op::discard;
      break;
    case UBLK_IO_OP_WRITE_ZEROES:
      tag.op = block::Op::write_zeroes;
      tag.may_unmap = (asked.op_flags & UBLK_IO_F_NOUNMAP) == 0;
      break;
    default:
      return answer(tag, -EOPNOTSUPP);
  }
  channel_->submit(tag);
}

void Queue::answer(Tag& tag, int result) {
  send(tag, kCommitAndFetch, result);
}

}  // namespace weft::ublk
