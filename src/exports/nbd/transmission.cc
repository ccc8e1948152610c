// Requests and their answers.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "exports/nbd/connection.h"

namespace weft::nbd {

namespace {

constexpr std::uint32_t kMostPayload = 32 * 1024 * 1024;

std::uint32_t error_of(int code) {
  switch (code) {
    case 0:
      return 0;
    case EPERM:
    case EROFS:
      return kPermission;
    case ENOMEM:
      return kNoMemory;
    case EINVAL:
      return kInvalid;
    case ENOSPC:
    case EDQUOT:
      return kNoSpace;
    case EOPNOTSUPP:
      return kUnsupported;
    default:
      return kIo;
  }
}

bool carries_data(Type type) {
  return type == Type::read || type == Type::write;
}

}  // namespace

void Connection::take_request() {
  Request request;
  std::memcpy(&request, gathered_.data(), sizeof request);
  gathered_.clear();
  if (request.magic != kRequestMagic) return shut(net::Stream::CloseMode::abort);
  const auto type = static_cast<Type>(std::uint16_t{request.type});
  if (type == Type::disconnect) return shut(net::Stream::CloseMode::flushing);
  auto work = std::make_unique<Work>();
  ++works_;
  work->connection = this;
  work->cookie = request.cookie;
  work->offset = request.offset;
  work->bytes = request.length;
  work->type = type;
  work->fua = (request.flags & kFlagFua) != 0;
  work->may_unmap = (request.flags & kFlagNoHole) == 0;
  std::uint32_t error = check(request);
  if (error == 0 && carries_data(type)) {
    work->memory = page_memory(work->bytes);
    if (work->memory == nullptr) error = kNoMemory;
    held_bytes_ += work->bytes;
    work->piece = {work->memory.get(), work->bytes};
  }
  if (error != 0) {
    if (type != Type::write) return answer(std::move(work), error);
    // What it carries comes before the next request.
    refused_ = std::move(work);
    refusal_ = error;
    drop_ = request.length;
    phase_ = Phase::dropping;
    return;
  }
  if (type != Type::write) return begin(std::move(work));
  phase_ = Phase::payload;
  Work& its = *work;
  receiving_ = std::move(work);
  // What came already is taken from the chunks.
  std::size_t at = 0;
  while (at < its.bytes && !input_.empty()) {
    const std::size_t part = std::min<std::size_t>(its.bytes - at, input_.front().bytes().size());
    std::memcpy(its.memory.get() + at, input_.front().bytes().data(), part);
    take(part);
    at += part;
  }
  if (at == its.bytes) {
    phase_ = Phase::request;
    return begin(std::move(receiving_));
  }
  stream_->receive_into({its.memory.get() + at, its.bytes - at});
}

// An error of the protocol; 0: it may go to the backend.
std::uint32_t Connection::check(const Request& request) const {
  const block::Geometry geometry = home_.shared.backend->geometry();
  const auto type = static_cast<Type>(std::uint16_t{request.type});
  const bool modifies = type == Type::write || type == Type::trim || type == Type::write_zeroes;
  switch (type) {
    case Type::flush:
      return request.length == 0 && request.offset == 0 ? 0 : kInvalid;
    case Type::read:
    case Type::write:
      if (request.length > kMostPayload) return kInvalid;
      break;
    case Type::trim:
      if (geometry.discard_granularity_blocks == 0) return kUnsupported;
      break;
    case Type::write_zeroes:
      break;
    default:
      return kInvalid;
  }
  if (modifies && geometry.read_only) return kPermission;
  if (request.length == 0 || request.length % geometry.block_bytes != 0 ||
      request.offset % geometry.block_bytes != 0)
    return kInvalid;
  const std::uint64_t bytes = geometry.bytes();
  if (request.offset > bytes || request.length > bytes - request.offset)
    return modifies ? kNoSpace : kInvalid;
  return 0;
}

void Connection::begin(std::unique_ptr<Work> work) {
  Work& its = *work.release();  // until on_block_done()
  const std::uint32_t block = home_.shared.backend->geometry().block_bytes;
  its.op = its.type == Type::read    ? block::Op::read
           : its.type == Type::write ? block::Op::write
           : its.type == Type::flush ? block::Op::flush
           : its.type == Type::trim  ? block::Op::discard
                                     : block::Op::write_zeroes;
  its.lba = its.offset / block;
  its.blocks = its.bytes / block;
  its.data = {&its.piece, carries_data(its.type) ? std::size_t{1} : std::size_t{0}};
  its.block::Request::done = &Connection::on_block_done;
  channel_->submit(its);
}

void Connection::on_block_done(block::Request& request) noexcept {
  std::unique_ptr<Work> work(static_cast<Work*>(&request));
  Connection& self = *work->connection;
  // A backend knows no durable discard.
  if (request.op == block::Op::discard && request.fua && request.error == 0) {
    request.op = block::Op::flush;
    request.lba = request.blocks = 0;
    return self.channel_->submit(*work.release());
  }
  self.answer(std::move(work), error_of(request.error));
}

void Connection::answer(std::unique_ptr<Work> work, std::uint32_t error) {
  Work& its = *work.release();  // until on_sent()
  const bool data = its.type == Type::read && error == 0;
  if (closing_) return on_sent(its, ECANCELED);
  const auto head = [&](Chunk type, std::size_t length) {
    return StructuredReply{.magic = kStructuredReplyMagic,
                           .flags = kReplyDone,
                           .type = static_cast<std::uint16_t>(type),
                           .cookie = its.cookie,
                           .length = static_cast<std::uint32_t>(length)};
  };
  std::size_t bytes = 0;
  if (structured_ && data) {
    its.data_chunk = {head(Chunk::offset_data, sizeof(be64) + its.bytes), its.offset};
    bytes = sizeof its.data_chunk;
  } else if (structured_ && error != 0) {
    its.error_chunk = {head(Chunk::error, sizeof(be32) + sizeof(be16)), error, 0};
    bytes = sizeof its.error_chunk;
  } else if (structured_ && its.type == Type::read) {
    its.data_chunk.head = head(Chunk::none, 0);
    bytes = sizeof its.data_chunk.head;
  } else {
    its.simple = {.magic = kSimpleReplyMagic, .error = error, .cookie = its.cookie};
    bytes = sizeof its.simple;
  }
  its.reply[0] = {&its.simple, bytes};
  its.reply[1] = its.piece;
  its.pieces = {its.reply, data ? std::size_t{2} : std::size_t{1}};
  its.net::SendOp::done = &Connection::on_sent;
  stream_->send(its);
}

void Connection::on_sent(net::SendOp& op, int) noexcept {
  const std::unique_ptr<Work> work(static_cast<Work*>(&op));
  Connection& self = *work->connection;
  --self.works_;
  if (work->memory != nullptr) self.held_bytes_ -= work->bytes;
  if (self.closed_) return self.destroy_if_over();
  // What stands behind the limits may go on; not from inside the stream's own call.
  if (!self.closing_ && !self.parse_.is_posted()) self.home_.loop.defer(self.parse_);
}

}  // namespace weft::nbd
