// What goes over an NBD connection (the protocol's own document, proto.md): all numbers are big-endian.
#pragma once

#include <boost/endian/arithmetic.hpp>
#include <cstddef>
#include <cstdint>

namespace weft::nbd {

using be16 = boost::endian::big_uint16_t;
using be32 = boost::endian::big_uint32_t;
using be64 = boost::endian::big_uint64_t;

// --- Negotiation: fixed newstyle.
inline constexpr std::uint64_t kServerMagic = 0x4e42444d41474943;  // "NBDMAGIC"
inline constexpr std::uint64_t kOptionMagic = 0x49484156454f5054;  // "IHAVEOPT"
inline constexpr std::uint64_t kOptionReplyMagic = 0x0003e889045565a9;
inline constexpr std::uint16_t kFixedNewstyle = 1 << 0;
inline constexpr std::uint16_t kNoZeroes = 1 << 1;

struct Greeting {
  be64 magic;
  be64 option_magic;
  be16 flags;
};
static_assert(sizeof(Greeting) == 18);

enum class Option : std::uint32_t {
  export_name = 1,
  abort = 2,
  list = 3,
  info = 6,
  go = 7,
  structured_reply = 8,
};
struct OptionHead {
  be64 magic;
  be32 option;
  be32 length;
};
static_assert(sizeof(OptionHead) == 16);

enum class OptionReply : std::uint32_t {
  ack = 1,
  server = 2,
  info = 3,
  unsupported = 0x80000001,
  invalid = 0x80000003,
  unknown = 0x80000006,
};
struct OptionReplyHead {
  be64 magic;
  be32 option;
  be32 type;
  be32 length;
};
static_assert(sizeof(OptionReplyHead) == 20);

inline constexpr std::uint16_t kInfoExport = 0;
inline constexpr std::uint16_t kInfoBlockSize = 3;
struct InfoExport {
  be16 type;
  be64 bytes;
  be16 flags;
};
static_assert(sizeof(InfoExport) == 12);
struct InfoBlockSize {
  be16 type;
  be32 least;
  be32 preferred;
  be32 most;
};
static_assert(sizeof(InfoBlockSize) == 14);
struct ExportNameReply {
  be64 bytes;
  be16 flags;
  std::uint8_t zeroes[124];  // not with kNoZeroes
};
static_assert(sizeof(ExportNameReply) == 134);

namespace transmission {
inline constexpr std::uint16_t kHasFlags = 1 << 0;
inline constexpr std::uint16_t kReadOnly = 1 << 1;
inline constexpr std::uint16_t kSendFlush = 1 << 2;
inline constexpr std::uint16_t kSendFua = 1 << 3;
inline constexpr std::uint16_t kRotational = 1 << 4;
inline constexpr std::uint16_t kSendTrim = 1 << 5;
inline constexpr std::uint16_t kSendWriteZeroes = 1 << 6;
inline constexpr std::uint16_t kSendDf = 1 << 7;
inline constexpr std::uint16_t kCanMultiConn = 1 << 8;
}  // namespace transmission

// --- Transmission.
inline constexpr std::uint32_t kRequestMagic = 0x25609513;
inline constexpr std::uint32_t kSimpleReplyMagic = 0x67446698;
inline constexpr std::uint32_t kStructuredReplyMagic = 0x668e33ef;

enum class Type : std::uint16_t {
  read = 0,
  write = 1,
  disconnect = 2,
  flush = 3,
  trim = 4,
  write_zeroes = 6
};
inline constexpr std::uint16_t kFlagFua = 1 << 0;
inline constexpr std::uint16_t kFlagNoHole = 1 << 1;
inline constexpr std::uint16_t kFlagDf = 1 << 2;

struct Request {
  be32 magic;
  be16 flags;
  be16 type;
  be64 cookie;
  be64 offset;
  be32 length;
};
static_assert(sizeof(Request) == 28);

struct SimpleReply {
  be32 magic;
  be32 error;
  be64 cookie;
};
static_assert(sizeof(SimpleReply) == 16);

inline constexpr std::uint16_t kReplyDone = 1 << 0;
enum class Chunk : std::uint16_t { none = 0, offset_data = 1, error = 0x8001 };
struct StructuredReply {
  be32 magic;
  be16 flags;
  be16 type;
  be64 cookie;
  be32 length;
};
static_assert(sizeof(StructuredReply) == 20);
struct OffsetData {
  StructuredReply head;
  be64 offset;
};
static_assert(sizeof(OffsetData) == 28);
struct ErrorChunk {
  StructuredReply head;
  be32 error;
  be16 message_length;
};
static_assert(sizeof(ErrorChunk) == 26);

// The protocol's own error numbers; those of Linux are the same for these.
inline constexpr std::uint32_t kPermission = 1;
inline constexpr std::uint32_t kIo = 5;
inline constexpr std::uint32_t kNoMemory = 12;
inline constexpr std::uint32_t kInvalid = 22;
inline constexpr std::uint32_t kNoSpace = 28;
inline constexpr std::uint32_t kUnsupported = 95;
inline constexpr std::uint32_t kShutdown = 108;

}  // namespace weft::nbd
