// Options until the transmission begins.
#include <algorithm>
#include <cstring>
#include <utility>

#include "exports/nbd/connection.h"

namespace weft::nbd {

namespace {

constexpr std::uint32_t kMostOptionBytes = 8192;  // more ends the connection
constexpr std::uint32_t kPreferredBytes = 4096;
constexpr std::uint32_t kMostPayloadBytes = 32 * 1024 * 1024;
constexpr std::uint32_t kNoZeroesWanted = 1 << 1;  // of the client

template <class T>
T load(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

template <class T>
void append(std::vector<std::byte>& to, const T& value) {
  const auto bytes = std::as_bytes(std::span<const T, 1>(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

void Connection::send(std::vector<std::byte> bytes) {
  if (closing_) return;
  auto* const message = new Message;  // owned by itself until it was sent
  message->bytes = std::move(bytes);
  message->piece = {message->bytes.data(), message->bytes.size()};
  message->pieces = {&message->piece, 1};
  message->done = [](net::SendOp& op, int) noexcept { delete static_cast<Message*>(&op); };
  stream_->send(*message);
}

void Connection::greet() {
  std::vector<std::byte> bytes;
  append(bytes,
         Greeting{.magic = kServerMagic, .option_magic = kOptionMagic, .flags = kFixedNewstyle | kNoZeroes});
  send(std::move(bytes));
}

void Connection::take_client_flags() {
  const std::uint32_t flags = load<be32>(std::exchange(gathered_, {}));
  if ((flags & kFixedNewstyle) == 0) return shut(net::Stream::CloseMode::abort);
  no_zeroes_ = (flags & kNoZeroesWanted) != 0;
  phase_ = Phase::option;
}

void Connection::take_option() {
  option_ = load<OptionHead>(std::exchange(gathered_, {}));
  if (option_.magic != kOptionMagic || option_.length > kMostOptionBytes)
    return shut(net::Stream::CloseMode::abort);
  phase_ = Phase::option_data;
}

void Connection::act_on_option() {
  const auto option = static_cast<Option>(std::uint32_t{option_.option});
  phase_ = Phase::option;
  switch (option) {
    case Option::export_name:
      answer_export_name();
      break;
    case Option::abort:
      reply(option, OptionReply::ack);
      shut(net::Stream::CloseMode::flushing);
      break;
    case Option::list: {
      std::vector<std::byte> name;
      append(name, be32(0));  // one, without a name
      reply(option, OptionReply::server, name);
      reply(option, OptionReply::ack);
      break;
    }
    case Option::info:
    case Option::go:
      answer_info(option);
      break;
    case Option::structured_reply:
      structured_ = option_.length == 0;
      reply(option, structured_ ? OptionReply::ack : OptionReply::invalid);
      break;
    default:
      reply(option, OptionReply::unsupported);
  }
  gathered_.clear();
}

// A name, whatever it is, and what the client wants to know, which it is told anyway.
void Connection::answer_info(Option option) {
  const std::span<const std::byte> data = gathered_;
  const bool whole = data.size() >= sizeof(be32) + sizeof(be16);
  const std::uint64_t name = whole ? std::uint32_t{load<be32>(data)} : 0;
  if (!whole || name > data.size() - sizeof(be32) - sizeof(be16)) return reply(option, OptionReply::invalid);
  const std::uint64_t wishes = load<be16>(data.subspan(sizeof(be32) + name));
  if (data.size() != sizeof(be32) + name + sizeof(be16) * (1 + wishes))
    return reply(option, OptionReply::invalid);
  std::vector<std::byte> export_info;
  append(export_info,
         InfoExport{.type = kInfoExport, .bytes = export_bytes(), .flags = transmission_flags()});
  reply(option, OptionReply::info, export_info);
  std::vector<std::byte> sizes;
  const std::uint32_t block = home_.shared.backend->geometry().block_bytes;
  append(sizes, InfoBlockSize{.type = kInfoBlockSize,
                              .least = block,
                              .preferred = std::max(block, kPreferredBytes),
                              .most = kMostPayloadBytes});
  reply(option, OptionReply::info, sizes);
  reply(option, OptionReply::ack);
  if (option == Option::go) phase_ = Phase::request;
}

void Connection::answer_export_name() {
  ExportNameReply answer{};
  answer.bytes = export_bytes();
  answer.flags = transmission_flags();
  std::vector<std::byte> bytes;
  append(bytes, answer);
  if (no_zeroes_) bytes.resize(sizeof answer - sizeof answer.zeroes);
  send(std::move(bytes));
  phase_ = Phase::request;
}

void Connection::reply(Option option, OptionReply type, std::span<const std::byte> data) {
  std::vector<std::byte> bytes;
  append(bytes, OptionReplyHead{.magic = kOptionReplyMagic,
                                .option = static_cast<std::uint32_t>(option),
                                .type = static_cast<std::uint32_t>(type),
                                .length = static_cast<std::uint32_t>(data.size())});
  bytes.insert(bytes.end(), data.begin(), data.end());
  send(std::move(bytes));
}

std::uint64_t Connection::export_bytes() const {
  return home_.shared.backend->geometry().bytes();
}

// Several connections see one backend, whose flush counts for all.
std::uint16_t Connection::transmission_flags() const {
  using namespace transmission;
  const block::Geometry geometry = home_.shared.backend->geometry();
  std::uint16_t flags = kHasFlags | kSendFlush | kSendFua | kSendWriteZeroes | kSendDf | kCanMultiConn;
  if (geometry.read_only) flags |= kReadOnly;
  if (geometry.rotational) flags |= kRotational;
  if (geometry.discard_granularity_blocks != 0) flags |= kSendTrim;
  return flags;
}

}  // namespace weft::nbd
