#include "raw_host/pdu_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <ostream>

#include "raw_host/failure.h"
#include "wire/opcodes.h"

namespace weft::raw_host {

namespace tcp = wire::tcp;

PduRecord describe(std::size_t connection, Way way, std::span<const std::byte> header) {
  PduRecord record{.connection = connection, .way = way};
  const auto common = wire::load<tcp::CommonHeader>(header);
  if (!common) return record;
  record.type = common->type;
  record.plen = common->plen;
  switch (static_cast<tcp::PduType>(common->type)) {
    case tcp::PduType::capsule_cmd:
      if (const auto pdu = wire::load<tcp::CapsuleCmd>(header)) {
        record.cid = pdu->sqe.cid;
        record.opcode = pdu->sqe.opcode;
        if (pdu->sqe.opcode == wire::kFabricsOpcode) record.fctype = pdu->sqe.fctype();
      }
      break;
    case tcp::PduType::capsule_resp:
      if (const auto pdu = wire::load<tcp::CapsuleResp>(header)) {
        record.cid = pdu->cqe.cid;
        record.status = static_cast<std::uint16_t>(pdu->cqe.status >> 1);
      }
      break;
    case tcp::PduType::h2c_data:
    case tcp::PduType::c2h_data:
    case tcp::PduType::r2t:  // all three have CCCID first
      if (const auto pdu = wire::load<tcp::R2t>(header)) record.cid = pdu->cccid;
      break;
    default:
      break;
  }
  return record;
}

std::size_t PduLog::add_connection(std::uint16_t local_port) {
  const std::lock_guard lock(mutex_);
  local_ports_.push_back(local_port);
  return local_ports_.size() - 1;
}

void PduLog::add(PduRecord record) {
  const std::lock_guard lock(mutex_);
  records_.push_back(record);
}

std::vector<PduRecord> PduLog::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

std::size_t PduLog::count(Way way, tcp::PduType type) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(records_, [&](const PduRecord& record) {
    return record.way == way && record.type == static_cast<std::uint8_t>(type);
  }));
}

void PduLog::write(std::ostream& out) const {
  const std::lock_guard lock(mutex_);
  for (const PduRecord& record : records_) {
    out << fmt::format(R"({{"connection":{},"local_port":{},"way":"{}","type":{},"name":"{}","plen":{})",
                       record.connection, local_ports_.at(record.connection),
                       record.way == Way::sent ? "sent" : "received", record.type,
                       tcp::name(static_cast<tcp::PduType>(record.type)), record.plen);
    if (record.cid) out << fmt::format(R"(,"cid":{})", *record.cid);
    if (record.opcode) out << fmt::format(R"(,"opcode":{})", *record.opcode);
    if (record.fctype) out << fmt::format(R"(,"fctype":{})", *record.fctype);
    if (record.status) out << fmt::format(R"(,"status":{})", *record.status);
    out << "}\n";
  }
}

void PduLog::write(const std::string& path) const {
  std::ofstream out(path);
  write(out);
  out.close();
  if (!out) throw Failure(fmt::format("cannot write the PDU log to {}", path));
}

}  // namespace weft::raw_host
