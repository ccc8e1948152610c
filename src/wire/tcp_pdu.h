// PDUs of NVMe/TCP (NVMe TCP Transport 1.1, section 3.6): layouts, and the check of a common header that
// tells the receiver how the rest of the PDU is laid out before it reads one byte more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "wire/endian.h"
#include "wire/sqe.h"

namespace weft::wire::tcp {

enum class PduType : std::uint8_t {
  ic_req = 0x00,
  ic_resp = 0x01,
  h2c_term_req = 0x02,
  c2h_term_req = 0x03,
  capsule_cmd = 0x04,
  capsule_resp = 0x05,
  h2c_data = 0x06,
  c2h_data = 0x07,
  r2t = 0x09,
};
std::string_view name(PduType type);  // "CapsuleCmd"; "Unknown" for a type that is not defined

// Bits of CommonHeader::flags.
inline constexpr std::uint8_t kHdgstf = 1 << 0;   // a header digest follows the header
inline constexpr std::uint8_t kDdgstf = 1 << 1;   // a data digest follows the data
inline constexpr std::uint8_t kLastPdu = 1 << 2;  // H2CData, C2HData: the last of the transfer
inline constexpr std::uint8_t kSuccess = 1 << 3;  // C2HData: also stands for a successful CapsuleResp

inline constexpr std::uint32_t kDigestSize = 4;
inline constexpr std::uint16_t kPduFormatVersion = 0;  // PFV
inline constexpr std::uint32_t kTermReqMaxData = 128;  // bytes of the offending PDU that a TermReq repeats
inline constexpr std::uint32_t kMinMaxH2cData = 4096;  // MAXH2CDATA is at least this, and a multiple of 4
inline constexpr std::uint8_t kMaxPda = 31;            // HPDA and CPDA: dwords, zero-based
inline constexpr std::uint32_t kFabricsInCapsuleMax =
    8192;  // admin queues and Fabrics commands, whatever IOCCSZ

struct CommonHeader {
  std::uint8_t type;  // PduType
  std::uint8_t flags;
  std::uint8_t hlen;  // bytes of the header, without digest
  std::uint8_t pdo;   // offset of the data from the start of the PDU
  le32 plen;          // bytes of the whole PDU
};
static_assert(sizeof(CommonHeader) == 8 && offsetof(CommonHeader, plen) == 4);

inline constexpr std::uint8_t kHdgstEnable = 1 << 0;  // bits of IcReq::dgst and IcResp::dgst
inline constexpr std::uint8_t kDdgstEnable = 1 << 1;

struct IcReq {
  CommonHeader ch;
  le16 pfv;
  std::uint8_t hpda;  // alignment that the host wants for data: dwords, zero-based
  std::uint8_t dgst;
  le32 maxr2t;  // outstanding R2Ts per command, zero-based
  std::uint8_t reserved[112];
};
static_assert(sizeof(IcReq) == 128 && offsetof(IcReq, maxr2t) == 12);

struct IcResp {
  CommonHeader ch;
  le16 pfv;
  std::uint8_t cpda;  // alignment that the controller wants for data: dwords, zero-based
  std::uint8_t dgst;
  le32 maxh2cdata;  // bytes in one H2CData PDU
  std::uint8_t reserved[112];
};
static_assert(sizeof(IcResp) == 128 && offsetof(IcResp, maxh2cdata) == 12);

// H2CTermReq and C2HTermReq; up to kTermReqMaxData bytes of the offending PDU's header follow.
struct TermReq {
  CommonHeader ch;
  le16 fes;  // FatalError
  le32 fei;  // see FatalError
  std::uint8_t reserved[10];
};
static_assert(sizeof(TermReq) == 24 && offsetof(TermReq, fei) == 10);

struct CapsuleCmd {
  CommonHeader ch;
  Sqe sqe;
};
static_assert(sizeof(CapsuleCmd) == 72);

struct CapsuleResp {
  CommonHeader ch;
  Cqe cqe;
};
static_assert(sizeof(CapsuleResp) == 24);

struct H2cData {
  CommonHeader ch;
  le16 cccid;
  le16 ttag;
  le32 datao;  // bytes from the start of the command's data
  le32 datal;  // bytes
  std::uint8_t reserved[4];
};
static_assert(sizeof(H2cData) == 24 && offsetof(H2cData, datal) == 16);

struct C2hData {
  CommonHeader ch;
  le16 cccid;
  std::uint8_t reserved10[2];
  le32 datao;
  le32 datal;
  std::uint8_t reserved20[4];
};
static_assert(sizeof(C2hData) == 24 && offsetof(C2hData, datao) == 12);

struct R2t {
  CommonHeader ch;
  le16 cccid;
  le16 ttag;
  le32 r2to;
  le32 r2tl;
  std::uint8_t reserved[4];
};
static_assert(sizeof(R2t) == 24 && offsetof(R2t, r2tl) == 16);

inline constexpr std::uint32_t kMaxHeaderSize = 128;  // without digest

// Fatal Error Status.  FEI is the offset of the guilty field in the PDU for invalid_header_field and
// unsupported_parameter, the received digest for header_digest_error, 0 otherwise.
enum class FatalError : std::uint16_t {
  invalid_header_field = 0x01,
  pdu_sequence_error = 0x02,
  header_digest_error = 0x03,
  data_transfer_out_of_range = 0x04,
  limit_exceeded = 0x05,  // C2HTermReq: Data Transfer Limit Exceeded; H2CTermReq: R2T Limit Exceeded
  unsupported_parameter = 0x06,
};
std::string_view name(FatalError fes);

struct Violation {
  FatalError fes = FatalError::invalid_header_field;
  std::uint32_t fei = 0;
  constexpr bool operator==(const Violation&) const = default;
};

// Who sent the PDU that is being checked.
enum class Direction : std::uint8_t { host_to_controller, controller_to_host };

// What both sides agreed on in ICReq and ICResp, and the receiver's own limits.  The defaults are what holds
// until then.
struct Negotiated {
  bool hdgst = false;
  bool ddgst = false;
  std::uint8_t pda = 0;  // alignment of the data that we receive: our CPDA as controller, our HPDA as host
  std::uint32_t max_in_capsule = kFabricsInCapsuleMax;  // bytes of data in a CapsuleCmd
  std::uint32_t max_data = 0xFFFFFFFF;                  // bytes of data in one H2CData or C2HData PDU
};

// How a PDU is laid out: header, header digest, padding, data, data digest.
struct PduShape {
  PduType type = PduType::ic_req;
  std::uint8_t header_size = 0;   // HLEN
  std::uint8_t hdgst_size = 0;    // 0 or 4, right after the header
  std::uint8_t ddgst_size = 0;    // 0 or 4, right after the data
  std::uint32_t data_offset = 0;  // from the start of the PDU; 0 without data
  std::uint32_t data_size = 0;
  std::uint32_t size = 0;  // PLEN
  constexpr bool operator==(const PduShape&) const = default;
};

// HLEN of a PDU of this type; 0 for a type that is not defined.
std::uint8_t header_size(PduType type);

// The check of the first 8 bytes.  Reserved flags are ignored.  Whether this type is expected now
// (PDU Sequence Error) is for the caller to know.
std::expected<PduShape, Violation> check_header(const CommonHeader& header, const Negotiated& negotiated,
                                                Direction direction);

// The offset of the data in a PDU that is to be sent: right after header and digest, or the next multiple of
// the receiver's alignment (dwords, zero-based).
constexpr std::uint32_t data_offset(std::uint32_t header_and_digest, std::uint8_t pda) {
  const std::uint32_t alignment = (pda + 1u) * 4;
  return (header_and_digest + alignment - 1) / alignment * alignment;
}

// The common header of a PDU that is to be sent with `data_size` bytes of data after padding to `pda`;
// `flags` may hold kLastPdu and kSuccess, the digests' flags are added as negotiated.
CommonHeader make_header(PduType type, std::uint8_t flags, bool hdgst, bool ddgst, std::uint8_t pda,
                         std::uint32_t data_size);

struct InitRequest {
  std::uint8_t hpda = 0;     // dwords, zero-based: ready for data_offset()
  std::uint64_t maxr2t = 1;  // one-based: up to 2^32
  bool hdgst = false;
  bool ddgst = false;
  constexpr bool operator==(const InitRequest&) const = default;
};
// After check_header: PFV other than 0 is an Unsupported Parameter, HPDA above 31 an Invalid Header Field.
std::expected<InitRequest, Violation> parse_ic_req(const IcReq& pdu);

struct InitResponse {
  std::uint8_t cpda = 0;
  std::uint32_t maxh2cdata = kMinMaxH2cData;  // bytes
  bool hdgst = false;
  bool ddgst = false;
  constexpr bool operator==(const InitResponse&) const = default;
};
// For the initiator: also refuses MAXH2CDATA below 4096 or not a multiple of 4.
std::expected<InitResponse, Violation> parse_ic_resp(const IcResp& pdu);

IcReq make_ic_req(const InitRequest& request);
IcResp make_ic_resp(const InitResponse& response);

// A data PDU's own fields against its shape: DATAL must be the number of data bytes that the PDU carries.
// The range that the R2T granted is the caller's (data_transfer_out_of_range).
std::expected<void, Violation> check_data(const H2cData& pdu, const PduShape& shape);
std::expected<void, Violation> check_data(const C2hData& pdu, const PduShape& shape);

// C2HTermReq as controller, H2CTermReq as host; `repeated` bytes of the offending PDU's header follow it.
TermReq make_term_req(PduType type, const Violation& violation, std::uint32_t repeated);

}  // namespace weft::wire::tcp
