#include "wire/fabrics.h"

#include <algorithm>

#include "wire/nqn.h"
#include "wire/opcodes.h"

namespace weft::wire {
namespace {

// Fabrics commands share opcode, cid, FCTYPE and data pointer with the Sqe; the rest is theirs.
struct ConnectSqe {
  std::uint8_t common[40];
  le16 recfmt;
  le16 qid;
  le16 sqsize;
  std::uint8_t cattr;
  std::uint8_t reserved47;
  le32 kato;
  std::uint8_t reserved52[12];
};
static_assert(sizeof(ConnectSqe) == sizeof(Sqe));
static_assert(offsetof(ConnectSqe, recfmt) == connect_field::kRecfmt &&
              offsetof(ConnectSqe, qid) == connect_field::kQid &&
              offsetof(ConnectSqe, sqsize) == connect_field::kSqsize &&
              offsetof(ConnectSqe, cattr) == connect_field::kCattr &&
              offsetof(ConnectSqe, kato) == connect_field::kKato);

struct PropertySqe {
  std::uint8_t common[40];
  std::uint8_t attrib;  // bits 2:0: 0 = 4 bytes, 1 = 8 bytes
  std::uint8_t reserved41[3];
  le32 ofst;
  le64 value;  // Property Set
  std::uint8_t reserved56[8];
};
static_assert(sizeof(PropertySqe) == sizeof(Sqe) && offsetof(PropertySqe, ofst) == 44);

struct DisconnectSqe {
  std::uint8_t common[40];
  le16 recfmt;
  std::uint8_t reserved42[22];
};
static_assert(sizeof(DisconnectSqe) == sizeof(Sqe));

constexpr std::uint8_t kPriorityMask = 3;
constexpr std::uint8_t kDisableSqflow = 1 << 2;
constexpr std::uint8_t kIndividualDeletion = 1 << 3;
constexpr std::uint8_t kAttribSizeMask = 7;

template <class T>
T view_as(const Sqe& sqe) {
  T out;
  std::memcpy(&out, &sqe, sizeof(T));
  return out;
}

template <class T>
Sqe finish(T& fields, FabricsType type) {
  fields.common[0] = kFabricsOpcode;
  fields.common[4] = static_cast<std::uint8_t>(type);
  Sqe sqe;
  std::memcpy(&sqe, &fields, sizeof(sqe));
  return sqe;
}

// 4 or 8; empty for a reserved size.
std::optional<std::uint8_t> property_size(std::uint8_t attrib) {
  const auto size = static_cast<std::uint8_t>(attrib & kAttribSizeMask);
  if (size > 1) return std::nullopt;
  return static_cast<std::uint8_t>(size == 0 ? 4 : 8);
}

std::optional<std::string_view> nqn_in(std::span<const char> field) {
  const auto text = read_terminated(field);
  if (!text || !is_usable_nqn(*text)) return std::nullopt;
  return text;
}

}  // namespace

Parsed<Connect> parse_connect(const Sqe& sqe) {
  const auto fields = view_as<ConnectSqe>(sqe);
  if (fields.recfmt != 0) return refuse(status::kConnectIncompatibleFormat, connect_field::kRecfmt);
  if (fields.sqsize == 0) return refuse(status::kConnectInvalidParameters, connect_field::kSqsize);
  return Connect{.qid = Qid(fields.qid),
                 .queue_size = std::uint32_t{fields.sqsize} + 1,
                 .priority = static_cast<QueuePriority>(fields.cattr & kPriorityMask),
                 .disable_sqflow = (fields.cattr & kDisableSqflow) != 0,
                 .individual_queue_deletion = (fields.cattr & kIndividualDeletion) != 0,
                 .kato_ms = fields.kato};
}

Parsed<ConnectParameters> parse_connect_data(const ConnectData& data) {
  const auto subnqn = nqn_in(data.subnqn);
  if (!subnqn) return refuse(status::kConnectInvalidParameters, connect_field::kSubnqn);
  const auto hostnqn = nqn_in(data.hostnqn);
  if (!hostnqn) return refuse(status::kConnectInvalidParameters, connect_field::kHostnqn);
  ConnectParameters parameters{.cntlid = Cntlid(data.cntlid), .subnqn = *subnqn, .hostnqn = *hostnqn};
  std::ranges::copy(data.hostid, parameters.hostid.begin());
  return parameters;
}

Parsed<PropertyGet> parse_property_get(const Sqe& sqe) {
  const auto fields = view_as<PropertySqe>(sqe);
  const auto size = property_size(fields.attrib);
  if (!size) return refuse(status::kInvalidField, offsetof(PropertySqe, attrib));
  return PropertyGet{.offset = fields.ofst, .size = *size};
}

Parsed<PropertySet> parse_property_set(const Sqe& sqe) {
  const auto fields = view_as<PropertySqe>(sqe);
  const auto size = property_size(fields.attrib);
  if (!size) return refuse(status::kInvalidField, offsetof(PropertySqe, attrib));
  const std::uint64_t mask = *size == 8 ? ~0ull : 0xFFFFFFFFull;
  return PropertySet{.offset = fields.ofst, .size = *size, .value = fields.value & mask};
}

Parsed<Disconnect> parse_disconnect(const Sqe& sqe) {
  const auto fields = view_as<DisconnectSqe>(sqe);
  if (fields.recfmt != 0) return refuse(status::kInvalidField, offsetof(DisconnectSqe, recfmt));
  return Disconnect{};
}

Sqe make_connect(const Connect& command) {
  ConnectSqe fields{};
  fields.qid = command.qid.value();
  fields.sqsize = static_cast<std::uint16_t>(command.queue_size - 1);
  fields.cattr = static_cast<std::uint8_t>(static_cast<std::uint8_t>(command.priority) |
                                           (command.disable_sqflow ? kDisableSqflow : 0) |
                                           (command.individual_queue_deletion ? kIndividualDeletion : 0));
  fields.kato = command.kato_ms;
  return finish(fields, FabricsType::connect);
}

Sqe make_property_get(const PropertyGet& command) {
  PropertySqe fields{};
  fields.attrib = command.size == 8 ? 1 : 0;
  fields.ofst = command.offset;
  return finish(fields, FabricsType::property_get);
}

Sqe make_property_set(const PropertySet& command) {
  PropertySqe fields{};
  fields.attrib = command.size == 8 ? 1 : 0;
  fields.ofst = command.offset;
  fields.value = command.value;
  return finish(fields, FabricsType::property_set);
}

Sqe make_disconnect() {
  DisconnectSqe fields{};
  return finish(fields, FabricsType::disconnect);
}

}  // namespace weft::wire
