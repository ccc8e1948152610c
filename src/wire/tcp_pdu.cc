#include "wire/tcp_pdu.h"

#include <algorithm>

#include "wire/named.h"

namespace weft::wire::tcp {
namespace {

enum class Data : std::uint8_t { never, optional, required };

// What the specification says about a PDU type.
struct Rule {
  PduType type;
  std::string_view name;
  Direction sender;
  std::uint8_t hlen;
  bool digests;  // HDGST and DDGST apply once negotiated
  Data data;
};

constexpr auto kHost = Direction::host_to_controller;
constexpr auto kController = Direction::controller_to_host;

constexpr Rule kRules[] = {
    {PduType::ic_req, "ICReq", kHost, sizeof(IcReq), false, Data::never},
    {PduType::ic_resp, "ICResp", kController, sizeof(IcResp), false, Data::never},
    {PduType::h2c_term_req, "H2CTermReq", kHost, sizeof(TermReq), false, Data::optional},
    {PduType::c2h_term_req, "C2HTermReq", kController, sizeof(TermReq), false, Data::optional},
    {PduType::capsule_cmd, "CapsuleCmd", kHost, sizeof(CapsuleCmd), true, Data::optional},
    {PduType::capsule_resp, "CapsuleResp", kController, sizeof(CapsuleResp), true, Data::never},
    {PduType::h2c_data, "H2CData", kHost, sizeof(H2cData), true, Data::required},
    {PduType::c2h_data, "C2HData", kController, sizeof(C2hData), true, Data::required},
    {PduType::r2t, "R2T", kController, sizeof(R2t), true, Data::never},
};

constexpr Named<FatalError> kFatalErrors[] = {
    {FatalError::invalid_header_field, "Invalid PDU Header Field"},
    {FatalError::pdu_sequence_error, "PDU Sequence Error"},
    {FatalError::header_digest_error, "Header Digest Error"},
    {FatalError::data_transfer_out_of_range, "Data Transfer Out of Range"},
    {FatalError::limit_exceeded, "R2T or Data Transfer Limit Exceeded"},
    {FatalError::unsupported_parameter, "Unsupported Parameter"},
};

const Rule* find_rule(std::uint8_t type) {
  const auto* const rule =
      std::ranges::find(kRules, type, [](const Rule& r) { return static_cast<std::uint8_t>(r.type); });
  return rule == std::end(kRules) ? nullptr : rule;
}

std::unexpected<Violation> bad_field(std::size_t offset) {
  return std::unexpected(Violation{FatalError::invalid_header_field, static_cast<std::uint32_t>(offset)});
}

constexpr std::size_t kTypeField = offsetof(CommonHeader, type);
constexpr std::size_t kFlagsField = offsetof(CommonHeader, flags);
constexpr std::size_t kHlenField = offsetof(CommonHeader, hlen);
constexpr std::size_t kPdoField = offsetof(CommonHeader, pdo);
constexpr std::size_t kPlenField = offsetof(CommonHeader, plen);

std::uint32_t data_limit(const Rule& rule, const Negotiated& negotiated) {
  switch (rule.type) {
    case PduType::capsule_cmd:
      return negotiated.max_in_capsule;
    case PduType::h2c_data:
    case PduType::c2h_data:
      return negotiated.max_data;
    default:
      return kTermReqMaxData;
  }
}

// The data of a PDU that has some: `shape` has the header and its digest, PLEN is beyond them.
std::expected<PduShape, Violation> place_data(const CommonHeader& header, const Rule& rule,
                                              const Negotiated& negotiated, PduShape shape) {
  const std::uint32_t head = std::uint32_t{shape.header_size} + shape.hdgst_size;
  std::uint32_t offset = head;  // a TermReq has no PDO
  if (rule.digests) {
    offset = header.pdo;
    if (offset < head || offset % ((negotiated.pda + 1u) * 4) != 0) return bad_field(kPdoField);
    if (((header.flags & kDdgstf) != 0) != negotiated.ddgst) return bad_field(kFlagsField);
    shape.ddgst_size = negotiated.ddgst ? kDigestSize : 0;
  }
  // In 64 bits: PLEN may be anything.
  const std::uint64_t overhead = std::uint64_t{offset} + shape.ddgst_size;
  if (shape.size <= overhead) return bad_field(kPlenField);
  shape.data_offset = offset;
  shape.data_size = static_cast<std::uint32_t>(shape.size - overhead);
  if (shape.data_size <= data_limit(rule, negotiated)) return shape;
  if (rule.data == Data::required) return std::unexpected(Violation{FatalError::limit_exceeded, 0});
  return bad_field(kPlenField);
}

template <class DataPdu>
std::expected<void, Violation> check_data_length(const DataPdu& pdu, const PduShape& shape) {
  if (pdu.datal != shape.data_size) return bad_field(offsetof(DataPdu, datal));
  return {};
}

CommonHeader plain_header(PduType type, std::uint8_t hlen, std::uint32_t plen) {
  return {.type = static_cast<std::uint8_t>(type), .flags = 0, .hlen = hlen, .pdo = 0, .plen = plen};
}

std::uint8_t dgst_bits(bool hdgst, bool ddgst) {
  return static_cast<std::uint8_t>((hdgst ? kHdgstEnable : 0) | (ddgst ? kDdgstEnable : 0));
}

}  // namespace

std::string_view name(PduType type) {
  const Rule* rule = find_rule(static_cast<std::uint8_t>(type));
  return rule != nullptr ? rule->name : kUnknownName;
}

std::string_view name(FatalError fes) {
  return find_name<FatalError>(kFatalErrors, fes);
}

std::uint8_t header_size(PduType type) {
  const Rule* rule = find_rule(static_cast<std::uint8_t>(type));
  return rule != nullptr ? rule->hlen : 0;
}

std::expected<PduShape, Violation> check_header(const CommonHeader& header, const Negotiated& negotiated,
                                                Direction direction) {
  const Rule* rule = find_rule(header.type);
  if (rule == nullptr || rule->sender != direction) return bad_field(kTypeField);
  if (header.hlen != rule->hlen) return bad_field(kHlenField);

  const bool hdgst = rule->digests && negotiated.hdgst;
  if (rule->digests && ((header.flags & kHdgstf) != 0) != hdgst) return bad_field(kFlagsField);
  if (rule->digests && (header.flags & kDdgstf) != 0 && !negotiated.ddgst) return bad_field(kFlagsField);

  PduShape shape{.type = rule->type, .header_size = rule->hlen, .size = header.plen};
  shape.hdgst_size = hdgst ? kDigestSize : 0;
  const std::uint32_t head = std::uint32_t{shape.header_size} + shape.hdgst_size;
  if (shape.size < head) return bad_field(kPlenField);
  if (shape.size == head) {
    if (rule->data == Data::required) return bad_field(kPlenField);
    return shape;
  }
  if (rule->data == Data::never) return bad_field(kPlenField);
  return place_data(header, *rule, negotiated, shape);
}

CommonHeader make_header(PduType type, std::uint8_t flags, bool hdgst, bool ddgst, std::uint8_t pda,
                         std::uint32_t data_size) {
  const std::uint32_t head = header_size(type) + (hdgst ? kDigestSize : 0);
  CommonHeader header = plain_header(type, header_size(type), head);
  header.flags = static_cast<std::uint8_t>(flags | (hdgst ? kHdgstf : 0));
  if (data_size == 0) return header;
  const std::uint32_t offset = data_offset(head, pda);
  header.pdo = static_cast<std::uint8_t>(offset);
  header.plen = offset + data_size + (ddgst ? kDigestSize : 0);
  if (ddgst) header.flags |= kDdgstf;
  return header;
}

std::expected<InitRequest, Violation> parse_ic_req(const IcReq& pdu) {
  if (pdu.pfv != kPduFormatVersion)
    return std::unexpected(Violation{FatalError::unsupported_parameter, offsetof(IcReq, pfv)});
  if (pdu.hpda > kMaxPda) return bad_field(offsetof(IcReq, hpda));
  return InitRequest{.hpda = pdu.hpda,
                     .maxr2t = std::uint64_t{pdu.maxr2t} + 1,
                     .hdgst = (pdu.dgst & kHdgstEnable) != 0,
                     .ddgst = (pdu.dgst & kDdgstEnable) != 0};
}

std::expected<InitResponse, Violation> parse_ic_resp(const IcResp& pdu) {
  if (pdu.pfv != kPduFormatVersion)
    return std::unexpected(Violation{FatalError::unsupported_parameter, offsetof(IcResp, pfv)});
  if (pdu.cpda > kMaxPda) return bad_field(offsetof(IcResp, cpda));
  if (pdu.maxh2cdata < kMinMaxH2cData || pdu.maxh2cdata % 4 != 0)
    return bad_field(offsetof(IcResp, maxh2cdata));
  return InitResponse{.cpda = pdu.cpda,
                      .maxh2cdata = pdu.maxh2cdata,
                      .hdgst = (pdu.dgst & kHdgstEnable) != 0,
                      .ddgst = (pdu.dgst & kDdgstEnable) != 0};
}

IcReq make_ic_req(const InitRequest& request) {
  IcReq pdu{};
  pdu.ch = plain_header(PduType::ic_req, sizeof(pdu), sizeof(pdu));
  pdu.hpda = request.hpda;
  pdu.dgst = dgst_bits(request.hdgst, request.ddgst);
  pdu.maxr2t = static_cast<std::uint32_t>(request.maxr2t - 1);
  return pdu;
}

IcResp make_ic_resp(const InitResponse& response) {
  IcResp pdu{};
  pdu.ch = plain_header(PduType::ic_resp, sizeof(pdu), sizeof(pdu));
  pdu.cpda = response.cpda;
  pdu.dgst = dgst_bits(response.hdgst, response.ddgst);
  pdu.maxh2cdata = response.maxh2cdata;
  return pdu;
}

std::expected<void, Violation> check_data(const H2cData& pdu, const PduShape& shape) {
  return check_data_length(pdu, shape);
}

std::expected<void, Violation> check_data(const C2hData& pdu, const PduShape& shape) {
  return check_data_length(pdu, shape);
}

TermReq make_term_req(PduType type, const Violation& violation, std::uint32_t repeated) {
  TermReq pdu{};
  pdu.ch = plain_header(type, sizeof(pdu), static_cast<std::uint32_t>(sizeof(pdu)) + repeated);
  pdu.fes = static_cast<std::uint16_t>(violation.fes);
  pdu.fei = violation.fei;
  return pdu;
}

}  // namespace weft::wire::tcp
