#include "served/random_session.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <random>
#include <vector>

#include "served/sim_host.h"
#include "wire/admin_command.h"
#include "wire/io_command.h"
#include "wire/nqn.h"
#include "wire/properties.h"

namespace weft::served {

namespace {

using tcp::append;
using wire::tcp::PduType;

constexpr std::uint32_t kBoundaries[] = {
    0,      1,       2,       3,        4,        7,          8,          24,        71,     72,
    73,     127,     128,     4095,     4096,     8191,       8192,       8193,      0x7FFF, 0x8000,
    0xFFFF, 0x10000, 0xFFFFF, 0x100000, 1u << 31, 0x7FFFFFFF, 0xFFFFFFFC, 0xFFFFFFFF};

// One PDU, still in parts, so that digests can be made right again after a change.
struct Piece {
  Bytes header;
  Bytes padding;
  Bytes data;
  bool hdgst = false;
  bool ddgst = false;
  bool spoil_digests = false;

  Bytes bytes() const {
    Bytes out = header;
    if (hdgst) tcp::append_digest(out, tcp::Digest::of(header) ^ (spoil_digests ? 1u : 0u));
    append(out, padding);
    append(out, data);
    if (ddgst) tcp::append_digest(out, tcp::Digest::of(data) ^ (spoil_digests ? 1u : 0u));
    return out;
  }
};

class Author {
 public:
  Author(Dice& dice, const SessionPlan& plan) : dice_(dice), plan_(plan) {}

  Session write() {
    ic_req();
    const bool io = plan_.cntlid != 0xFFFF && dice_.one_in(2);
    connect(io);
    const std::size_t connected = pieces_.size();
    if (!io) enable();
    const std::size_t enabled = pieces_.size();
    const std::uint64_t commands = dice_.below(24);
    for (std::uint64_t i = 0; i < commands; ++i) {
      if (io)
        io_command();
      else
        admin_command();
    }
    for (std::uint64_t changes = dice_.below(4); changes > 0; --changes) change();
    Session session;
    Bytes& all = session.bytes;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (i == connected || i == enabled) session.stops.push_back(all.size());
      append(all, pieces_[i].bytes());
    }
    if (dice_.one_in(3)) all.resize(dice_.below(all.size() + 1));
    if (dice_.one_in(8) && !all.empty())
      for (std::uint64_t flips = 1 + dice_.below(4); flips > 0; --flips)
        all[dice_.below(all.size())] ^= static_cast<std::byte>(1u << dice_.below(8));
    while (!session.stops.empty() && session.stops.back() > all.size()) session.stops.pop_back();
    return session;
  }

 private:
  void ic_req() {
    agreed_ = {.hdgst = dice_.one_in(2), .ddgst = dice_.one_in(2)};
    agreed_.hpda = static_cast<std::uint8_t>(dice_.one_in(4) ? dice_.below(32) : 0);
    pieces_.push_back({.header = tcp::raw_pdu(wire::tcp::make_ic_req({.hpda = agreed_.hpda,
                                                                      .maxr2t = 1 + dice_.below(16),
                                                                      .hdgst = agreed_.hdgst,
                                                                      .ddgst = agreed_.ddgst}))});
  }

  template <class Pdu>
  void add(Pdu value, PduType type, Bytes data, std::uint8_t flags = 0) {
    value.ch = wire::tcp::make_header(type, flags, agreed_.hdgst, agreed_.ddgst, 0,
                                      static_cast<std::uint32_t>(data.size()));
    Piece piece{.header = tcp::raw_pdu(value)};
    piece.hdgst = agreed_.hdgst;
    piece.ddgst = agreed_.ddgst && !data.empty();
    piece.data = std::move(data);
    pieces_.push_back(std::move(piece));
  }

  enum class Way : std::uint8_t { none, capsule, r2t, to_host };
  void command(wire::Sqe sqe, Way way, std::size_t bytes, Bytes content = {}) {
    sqe.cid = static_cast<std::uint16_t>(dice_.one_in(20) ? dice_.below(4) : next_cid_++);
    if (content.empty() && (way == Way::capsule || way == Way::r2t)) content = tcp::pattern(bytes);
    if (way == Way::capsule)
      wire::set_in_capsule(sqe, static_cast<std::uint32_t>(content.size()));
    else
      wire::set_transport(sqe, static_cast<std::uint32_t>(way == Way::none ? 0 : bytes));
    wire::tcp::CapsuleCmd capsule{};
    capsule.sqe = sqe;
    add(capsule, PduType::capsule_cmd, way == Way::capsule ? content : Bytes());
    if (way == Way::r2t) answer_r2t(sqe.cid, content);
  }

  // Tags are counted from 0, and each is given out again with the next generation: a fair guess.
  void answer_r2t(std::uint16_t cid, const Bytes& content) {
    const auto tag = static_cast<std::uint16_t>(transfers_++ % 16 << 12);
    std::size_t at = 0;
    while (at < content.size()) {
      const std::size_t part = dice_.one_in(3) ? 1 + dice_.below(content.size() - at) : content.size() - at;
      wire::tcp::H2cData data{};
      data.cccid = cid;
      data.ttag = tag;
      data.datao = static_cast<std::uint32_t>(at);
      data.datal = static_cast<std::uint32_t>(part);
      const bool last = at + part == content.size();
      add(data, PduType::h2c_data,
          Bytes(content.begin() + static_cast<std::ptrdiff_t>(at),
                content.begin() + static_cast<std::ptrdiff_t>(at + part)),
          last ? wire::tcp::kLastPdu : 0);
      at += part;
    }
  }

  void connect(bool io) {
    wire::ConnectData data = connect_data(io ? plan_.cntlid : 0xFFFF);
    wire::write_terminated(data.subnqn, plan_.subnqn);
    const auto entries = static_cast<std::uint32_t>(2 + dice_.below(dice_.one_in(2) ? 8 : 128));
    const auto qid = static_cast<std::uint16_t>(io ? 1 + dice_.below(128) : 0);
    command(connect_sqe(qid, entries), dice_.one_in(4) ? Way::r2t : Way::capsule, sizeof data,
            tcp::raw_pdu(data));
  }

  void enable() {
    const wire::Cc cc{.en = true, .iosqes = 6, .iocqes = 4};
    command(wire::make_property_set({.offset = wire::property::kCc, .value = cc.encode()}), Way::none, 0);
  }

  void admin_command() {
    switch (dice_.below(8)) {
      case 0:
        return command(
            wire::make_identify({.nsid = Nsid(1), .cns = static_cast<std::uint8_t>(dice_.below(32))}),
            Way::to_host, 4096);
      case 1:
        return command(
            wire::make_get_log_page({.lid = static_cast<std::uint8_t>(dice_.below(8)), .length = 512}),
            Way::to_host, 512);
      case 2:
        return command(wire::make_keep_alive(), Way::none, 0);
      case 3:
        return command(wire::make_async_event_request(), Way::none, 0);
      case 4:
        return command(wire::make_property_get({.offset = static_cast<std::uint32_t>(dice_.below(64))}),
                       Way::none, 0);
      case 5:
        return command(wire::make_property_set({.offset = wire::property::kCc,
                                                .value = dice_.one_in(2) ? dice_.next() : 0x00460001}),
                       Way::none, 0);
      case 6:
        return command(
            wire::make_abort({.sqid = Qid(0), .cid = Cid(static_cast<std::uint16_t>(dice_.below(8)))}),
            Way::none, 0);
      default:
        return any_command();
    }
  }

  void io_command() {
    const auto blocks = static_cast<std::uint32_t>(1 + dice_.below(dice_.one_in(4) ? 256 : 16));
    const std::size_t bytes = std::size_t{blocks} * SimServer::kBlockBytes;
    const wire::LbaRange range{dice_.below(SimServer::kBlocks), blocks};
    const Way out = bytes <= 8192 && dice_.one_in(2) ? Way::capsule : Way::r2t;
    switch (dice_.below(8)) {
      case 0:
      case 1:
        return command(wire::make_read({.nsid = kNsid, .range = range}), Way::to_host, bytes);
      case 2:
      case 3:
        return command(wire::make_write({.nsid = kNsid, .range = range, .fua = dice_.one_in(4)}), out, bytes);
      case 4:
        return command(wire::make_compare({.nsid = kNsid, .range = range}), out, bytes);
      case 5:
        return command(wire::make_write_zeroes({.nsid = kNsid, .range = range}), Way::none, 0);
      case 6:
        return command(wire::make_dataset_management({.nsid = kNsid, .ranges = 2, .deallocate = true}),
                       Way::capsule, 32);
      default:
        return any_command();
    }
  }

  void any_command() {
    wire::Sqe sqe{};
    auto* const bytes = reinterpret_cast<std::uint8_t*>(&sqe);
    for (std::size_t i = 0; i < sizeof sqe; ++i)
      if (!dice_.one_in(3)) bytes[i] = static_cast<std::uint8_t>(dice_.next());
    command(sqe, static_cast<Way>(dice_.below(4)), dice_.below(9000));
  }

  void change() {
    const std::size_t at = dice_.below(pieces_.size());
    const auto place = pieces_.begin() + static_cast<std::ptrdiff_t>(at);
    Piece& piece = *place;
    switch (dice_.below(9)) {
      case 0:  // a byte of the header
        piece.header[dice_.below(piece.header.size())] = static_cast<std::byte>(dice_.next());
        return;
      case 1:  // a bit of the common header
        piece.header[dice_.below(8)] ^= static_cast<std::byte>(1u << dice_.below(8));
        return;
      case 2:
      case 3:
        return set_boundary(piece);
      case 4:
        piece.spoil_digests = true;
        return;
      case 5:
        pieces_.erase(place);
        if (pieces_.empty()) ic_req();
        return;
      case 6:
        pieces_.insert(place, Piece(piece));
        return;
      case 7:
        std::swap(piece, pieces_[dice_.below(pieces_.size())]);
        return;
      default:
        Bytes& cut = piece.data.empty() ? piece.header : piece.data;
        cut.resize(dice_.below(cut.size() + 1));
        if (piece.header.size() < 8) piece.header.resize(8);
        return;
    }
  }

  // A field of 1, 2 or 4 bytes, at the edge of something.
  void set_boundary(Piece& piece) {
    const std::uint32_t value = kBoundaries[dice_.below(std::size(kBoundaries))];
    const std::size_t width = std::size_t{1} << dice_.below(3);
    Bytes& where = !piece.data.empty() && dice_.one_in(4) ? piece.data : piece.header;
    const std::size_t at = dice_.below(where.size()) / width * width;
    for (std::size_t i = 0; i < width && at + i < where.size(); ++i)
      where[at + i] = static_cast<std::byte>(value >> (8 * i));
  }

  Dice& dice_;
  const SessionPlan plan_;
  Agreement agreed_;
  std::vector<Piece> pieces_;
  std::uint16_t next_cid_ = 0;
  std::uint32_t transfers_ = 0;
};

}  // namespace

Session random_session(Dice& dice, const SessionPlan& plan) {
  return Author(dice, plan).write();
}

std::uint64_t seed_of_run() {
  std::uint64_t seed = std::random_device{}();
  if (const char* given = std::getenv("WEFT_SEED")) seed = std::strtoull(given, nullptr, 0);
  std::printf("WEFT_SEED=%llu\n", static_cast<unsigned long long>(seed));
  (void)std::fflush(stdout);
  return seed;
}

}  // namespace weft::served
