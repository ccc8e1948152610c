// Everything that takes apart bytes of a host, on any bytes.  The first byte says which.
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "base/check.h"
#include "wire/admin_command.h"
#include "wire/fabrics.h"
#include "wire/features.h"
#include "wire/identify.h"
#include "wire/io_command.h"
#include "wire/nqn.h"
#include "wire/sgl.h"
#include "wire/tcp_pdu.h"

namespace weft::wire {
namespace {

// Accepted, or refused with a status.
template <class T>
void check_answer(const Parsed<T>& parsed) {
  WEFT_CHECK(parsed || !parsed.error().status.ok());
}

// Accepted, or refused with a field of the PDU's header.
template <class T>
void check_verdict(const std::expected<T, tcp::Violation>& verdict) {
  WEFT_CHECK(verdict || verdict.error().fei < tcp::kMaxHeaderSize);
}

void check_io(const Sqe& sqe) {
  for (const auto& command : {parse_read(sqe), parse_write(sqe), parse_compare(sqe)})
    WEFT_CHECK(!command || (command->range.blocks >= 1 && command->range.end() > command->range.slba));
  if (const auto zeroes = parse_write_zeroes(sqe)) WEFT_CHECK(zeroes->range.blocks >= 1);
  check_answer(parse_write_uncorrectable(sqe));
  check_answer(parse_verify(sqe));
  check_answer(parse_flush(sqe));
  if (const auto dsm = parse_dataset_management(sqe))
    WEFT_CHECK(dsm->data_bytes() <= kDsmMaxRanges * sizeof(DsmRange));
}

void check_admin(const Sqe& sqe) {
  check_answer(parse_identify(sqe));
  check_answer(parse_abort(sqe));
  check_answer(parse_get_features(sqe));
  check_answer(parse_set_features(sqe));
  if (const auto log = parse_get_log_page(sqe)) WEFT_CHECK(log->length >= 4 && log->length % 4 == 0);
}

void check_fabrics(const Sqe& sqe) {
  if (const auto connect = parse_connect(sqe))
    WEFT_CHECK(connect->queue_size >= 2 && connect->queue_size <= 65536);
  if (const auto get = parse_property_get(sqe)) WEFT_CHECK(get->size == 4 || get->size == 8);
  if (const auto set = parse_property_set(sqe)) WEFT_CHECK(set->size == 8 || set->value <= 0xFFFFFFFF);
  check_answer(parse_disconnect(sqe));
}

void check_pointer(const Sqe& sqe) {
  for (const auto support : {SglSupport::transport, SglSupport::keyed}) {
    const auto pointer = parse_data_pointer(sqe, support);
    if (!pointer) continue;
    const auto inside = check_in_capsule(*pointer, 8192);
    if (inside && inside->kind == DataPointer::Kind::in_capsule)
      WEFT_CHECK(inside->offset + inside->length <= 8192);
  }
}

void check_connect(std::span<const std::byte> bytes) {
  const auto data = load<ConnectData>(bytes);
  if (!data) return;
  const auto parameters = parse_connect_data(*data);
  if (!parameters) return;
  WEFT_CHECK(is_usable_nqn(parameters->subnqn) && is_usable_nqn(parameters->hostnqn));
}

void check_pdu(std::span<const std::byte> bytes) {
  const auto header = load<tcp::CommonHeader>(bytes);
  if (!header) return;
  const tcp::Negotiated negotiated{
      .hdgst = bytes.size() % 2 != 0, .ddgst = bytes.size() % 3 == 0, .pda = 3, .max_data = 131072};
  for (const auto direction : {tcp::Direction::host_to_controller, tcp::Direction::controller_to_host}) {
    const auto shape = tcp::check_header(*header, negotiated, direction);
    if (!shape) continue;
    WEFT_CHECK(shape->data_size <= 131072);
    const std::uint64_t head = std::uint64_t{shape->header_size} + shape->hdgst_size;
    if (shape->data_size == 0)
      WEFT_CHECK(shape->size == head);
    else
      WEFT_CHECK(shape->data_offset >= head &&
                 std::uint64_t{shape->data_offset} + shape->data_size + shape->ddgst_size == shape->size);
    if (const auto data = load<tcp::H2cData>(bytes)) check_verdict(tcp::check_data(*data, *shape));
    if (const auto data = load<tcp::C2hData>(bytes)) check_verdict(tcp::check_data(*data, *shape));
  }
  if (const auto request = load<tcp::IcReq>(bytes)) check_verdict(tcp::parse_ic_req(*request));
  if (const auto response = load<tcp::IcResp>(bytes)) check_verdict(tcp::parse_ic_resp(*response));
}

void check_any(std::uint8_t kind, std::span<const std::byte> bytes) {
  if (kind % 3 == 0) return check_pdu(bytes);
  if (kind % 3 == 1) return check_connect(bytes);
  const auto sqe = load<Sqe>(bytes);
  if (!sqe) return;
  check_io(*sqe);
  check_admin(*sqe);
  check_fabrics(*sqe);
  check_pointer(*sqe);
}

}  // namespace
}  // namespace weft::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) weft::wire::check_any(data[0], std::as_bytes(std::span(data + 1, size - 1)));
  return 0;
}
