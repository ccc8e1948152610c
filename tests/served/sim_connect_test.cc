// Each field of Connect at its limits, over the wire: the status, and where it says the fault is.
#include <functional>

#include "served/sim_host.h"
#include "wire/nqn.h"

namespace weft::served {
namespace {

using namespace wire::status;
namespace field = wire::connect_field;

constexpr std::uint16_t kNoField = 0xFFFF;

class SimConnect : public ::testing::Test {
 protected:
  SimServer server_;
  SimHost neighbour_{server_, 1};
  SimHost host_{server_, 1};
};

struct Case {
  const char* what;
  bool io;  // on I/O queue 2 of a controller that is there, else on an admin queue
  std::function<void(wire::Sqe&, wire::ConnectData&)> spoil;
  wire::Status status;
  std::uint16_t offset = kNoField;  // of the guilty field: IPO
  bool in_data = false;             // IATTR
};

void set16(wire::Sqe& sqe, std::size_t offset, std::uint16_t value) {
  auto* const bytes = reinterpret_cast<std::uint8_t*>(&sqe);
  bytes[offset] = static_cast<std::uint8_t>(value);
  bytes[offset + 1] = static_cast<std::uint8_t>(value >> 8);
}

void set8(wire::Sqe& sqe, std::size_t offset, std::uint8_t value) {
  reinterpret_cast<std::uint8_t*>(&sqe)[offset] = value;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"RECFMT 1", false, [](auto& sqe, auto&) { set16(sqe, field::kRecfmt, 1); },
       kConnectIncompatibleFormat},
      {"RECFMT FFFFh", false, [](auto& sqe, auto&) { set16(sqe, field::kRecfmt, 0xFFFF); },
       kConnectIncompatibleFormat},
      {"RECFMT 1 of an I/O queue", true, [](auto& sqe, auto&) { set16(sqe, field::kRecfmt, 1); },
       kConnectIncompatibleFormat},
      {"QID above the limit", true, [](auto& sqe, auto&) { set16(sqe, field::kQid, 129); },
       kConnectInvalidParameters, field::kQid},
      {"QID FFFFh", true, [](auto& sqe, auto&) { set16(sqe, field::kQid, 0xFFFF); },
       kConnectInvalidParameters, field::kQid},
      {"QID in use", true, [](auto& sqe, auto&) { set16(sqe, field::kQid, 1); }, kCommandSequenceError},
      {"a QID with the dynamic controller", false, [](auto& sqe, auto&) { set16(sqe, field::kQid, 1); },
       kConnectInvalidParameters, field::kCntlid, true},
      {"QID 0 of a controller that is there", true, [](auto& sqe, auto&) { set16(sqe, field::kQid, 0); },
       kConnectInvalidParameters, field::kCntlid, true},
      {"SQSIZE 0", false, [](auto& sqe, auto&) { set16(sqe, field::kSqsize, 0); }, kConnectInvalidParameters,
       field::kSqsize},
      {"SQSIZE 0 of an I/O queue", true, [](auto& sqe, auto&) { set16(sqe, field::kSqsize, 0); },
       kConnectInvalidParameters, field::kSqsize},
      {"SQSIZE 1", false, [](auto& sqe, auto&) { set16(sqe, field::kSqsize, 1); }, kSuccess},
      {"SQSIZE 1 of an I/O queue", true, [](auto& sqe, auto&) { set16(sqe, field::kSqsize, 1); }, kSuccess},
      {"SQSIZE MQES", true, [](auto& sqe, auto&) { set16(sqe, field::kSqsize, 1023); }, kSuccess},
      {"SQSIZE above MQES", true, [](auto& sqe, auto&) { set16(sqe, field::kSqsize, 1024); },
       kConnectInvalidParameters, field::kSqsize},
      {"SQSIZE FFFFh", false, [](auto& sqe, auto&) { set16(sqe, field::kSqsize, 0xFFFF); },
       kConnectInvalidParameters, field::kSqsize},
      {"SQSIZE FFFFh of an I/O queue", true, [](auto& sqe, auto&) { set16(sqe, field::kSqsize, 0xFFFF); },
       kConnectInvalidParameters, field::kSqsize},
      {"CATTR with every priority", true, [](auto& sqe, auto&) { set8(sqe, field::kCattr, 0x07); }, kSuccess},
      {"CATTR FFh", false, [](auto& sqe, auto&) { set8(sqe, field::kCattr, 0xFF); }, kSuccess},
      {"KATO FFFFFFFFh", false, [](auto& sqe, auto&) { sqe.cdw12 = 0xFFFFFFFF; }, kSuccess},
      {"KATO 1", false, [](auto& sqe, auto&) { sqe.cdw12 = 1; }, kSuccess},
      {"a HOSTID of zero", false, [](auto&, auto& data) { std::ranges::fill(data.hostid, 0); }, kSuccess},
      {"another HOSTID than the controller's", true, [](auto&, auto& data) { data.hostid[15] ^= 0x80; },
       kConnectInvalidParameters, field::kHostid, true},
      {"CNTLID of a static controller", false, [](auto&, auto& data) { data.cntlid = 1; },
       kConnectInvalidParameters, field::kCntlid, true},
      {"CNTLID 0", false, [](auto&, auto& data) { data.cntlid = 0; }, kConnectInvalidParameters,
       field::kCntlid, true},
      {"CNTLID FFFEh", false, [](auto&, auto& data) { data.cntlid = 0xFFFE; }, kConnectInvalidParameters,
       field::kCntlid, true},
      {"CNTLID of no controller", true, [](auto&, auto& data) { data.cntlid = 0x7777; },
       kConnectInvalidParameters, field::kCntlid, true},
      {"CNTLID FFFFh of an I/O queue", true, [](auto&, auto& data) { data.cntlid = 0xFFFF; },
       kConnectInvalidParameters, field::kCntlid, true},
      {"no SUBNQN", false, [](auto&, auto& data) { std::ranges::fill(data.subnqn, '\0'); },
       kConnectInvalidParameters, field::kSubnqn, true},
      {"a SUBNQN that is not here", false, [](auto&, auto& data) { data.subnqn[4] ^= 1; },
       kConnectInvalidParameters, field::kSubnqn, true},
      {"a SUBNQN and one more character", false, [](auto&, auto& data) { data.subnqn[kNqn.size()] = 'x'; },
       kConnectInvalidParameters, field::kSubnqn, true},
      {"a SUBNQN without its end", false,
       [](auto&, auto& data) { std::ranges::fill(std::span(data.subnqn).subspan(kNqn.size()), 'x'); },
       kConnectInvalidParameters, field::kSubnqn, true},
      {"a SUBNQN of 224 bytes", false,
       [](auto&, auto& data) {
         wire::write_terminated(data.subnqn, "nqn.2024-01.x:" + std::string(210, 'x'));
       },
       kConnectInvalidParameters, field::kSubnqn, true},
      {"a SUBNQN with a control character", false, [](auto&, auto& data) { data.subnqn[5] = '\n'; },
       kConnectInvalidParameters, field::kSubnqn, true},
      {"a SUBNQN that is not UTF-8", false, [](auto&, auto& data) { data.subnqn[5] = '\xFF'; },
       kConnectInvalidParameters, field::kSubnqn, true},
      {"the discovery NQN on an I/O queue", true,
       [](auto&, auto& data) { wire::write_terminated(data.subnqn, wire::kDiscoveryNqn); },
       kConnectInvalidParameters, field::kCntlid, true},
      {"no HOSTNQN", false, [](auto&, auto& data) { std::ranges::fill(data.hostnqn, '\0'); },
       kConnectInvalidParameters, field::kHostnqn, true},
      {"a HOSTNQN without its end", false, [](auto&, auto& data) { std::ranges::fill(data.hostnqn, 'h'); },
       kConnectInvalidParameters, field::kHostnqn, true},
      {"a HOSTNQN of 224 bytes", false,
       [](auto&, auto& data) { wire::write_terminated(data.hostnqn, std::string(224, 'h')); },
       kConnectInvalidParameters, field::kHostnqn, true},
      {"a HOSTNQN of 223 bytes", false,
       [](auto&, auto& data) { wire::write_terminated(data.hostnqn, std::string(223, 'h')); }, kSuccess},
      {"a HOSTNQN that is not UTF-8", false, [](auto&, auto& data) { data.hostnqn[0] = '\x80'; },
       kConnectInvalidParameters, field::kHostnqn, true},
      {"another HOSTNQN than the controller's", true, [](auto&, auto& data) { data.hostnqn[5] = 'z'; },
       kConnectInvalidParameters, field::kHostnqn, true},
      {"reserved bytes", false,
       [](auto&, auto& data) {
         std::ranges::fill(data.reserved18, 0xFF);
         std::ranges::fill(data.reserved768, 0xFF);
       },
       kSuccess},
      {"all as it should be", true, [](auto&, auto&) {}, kSuccess},
  };
  return kCases;
}

TEST_F(SimConnect, EachFieldAtItsLimits) {
  for (const bool by_r2t : {false, true}) {
    unsigned round = 0;
    for (const Case& each : cases()) {
      SCOPED_TRACE(testing::Message() << each.what << (by_r2t ? ", by R2T" : ""));
      SimQueue queue(server_);
      wire::Sqe sqe = each.io ? connect_sqe(2, 32) : connect_sqe(0, 32);
      wire::ConnectData data = connect_data(each.io ? host_.cntlid : 0xFFFF);
      each.spoil(sqe, data);
      const auto done = queue.execute(sqe, by_r2t ? SimQueue::Data::by_r2t : SimQueue::Data::in_capsule,
                                      tcp::raw_pdu(data));
      EXPECT_TRUE(done.status().is(each.status)) << wire::name(done.status());
      // A controller that there is not any more is no reason to give up.
      const auto command = wire::parse_connect(sqe);
      const bool may_have_ended =
          each.offset == field::kCntlid && command && command->qid != Qid(0) && data.cntlid != 0xFFFF;
      EXPECT_EQ(done.status().dnr, !each.status.ok() && !may_have_ended);
      if (each.offset != kNoField) {
        const auto guilty = wire::InvalidParameter::decode(done.cqe.dw0());
        EXPECT_EQ(guilty.offset, each.offset);
        EXPECT_EQ(guilty.in_data, each.in_data);
      }
      EXPECT_TRUE(queue.terminations().empty());
      queue.end();
      neighbour_.verify(++round);
      EXPECT_EQ(server_.subsystem->controllers().size(), 2u);
      EXPECT_EQ(server_.transport.connections(), 4u);
    }
  }
}

// A Connect that was refused leaves the connection as it was: a right one may follow.
TEST_F(SimConnect, ARightOneAfterAWrongOne) {
  SimQueue queue(server_);
  auto wrong = connect_data();
  wrong.subnqn[4] ^= 1;
  EXPECT_TRUE(queue.execute(connect_sqe(0), SimQueue::Data::in_capsule, tcp::raw_pdu(wrong))
                  .status()
                  .is(kConnectInvalidParameters));
  EXPECT_TRUE(queue.execute(connect_sqe(0), SimQueue::Data::in_capsule, tcp::raw_pdu(connect_data())).ok());
  EXPECT_TRUE(queue.execute(connect_sqe(0), SimQueue::Data::in_capsule, tcp::raw_pdu(connect_data()))
                  .status()
                  .is(kCommandSequenceError));
}

// Several at once, each of which was right when it came: the first makes the queue, which is smaller than
// they are many.
TEST_F(SimConnect, SeveralAtOnce) {
  for (const bool io : {false, true}) {
    SimQueue queue(server_);
    queue.hold_r2ts = true;
    std::vector<std::uint16_t> cids;
    cids.reserve(24);
    const Bytes data = tcp::raw_pdu(connect_data(io ? host_.cntlid : 0xFFFF));
    for (std::uint16_t i = 0; i < 24; ++i)
      cids.push_back(queue.submit(connect_sqe(io ? static_cast<std::uint16_t>(2 + i) : 0, 2),
                                  SimQueue::Data::by_r2t, data));
    queue.run();
    ASSERT_EQ(queue.held_r2ts.size(), 24u);
    for (const auto& r2t : queue.held_r2ts) queue.answer(r2t);
    queue.run();
    EXPECT_TRUE(queue.take(cids[0]).ok());
    for (std::size_t i = 1; i < cids.size(); ++i)
      EXPECT_TRUE(queue.take(cids[i]).status().is(kCommandSequenceError));
    EXPECT_EQ(server_.subsystem->controllers().size(), io ? 2u : 3u);
    EXPECT_TRUE(
        queue.execute(wire::make_property_get({.offset = 8})).status().is(io ? kInvalidField : kSuccess));
    queue.end();
    EXPECT_EQ(server_.subsystem->controllers().size(), 2u);
    host_.verify(1);
    neighbour_.verify(2);
  }
}

TEST_F(SimConnect, DataOfAnotherLength) {
  const std::pair<std::size_t, wire::Status> lengths[] = {
      {0, kDataSglLengthInvalid}, {1, kDataSglLengthInvalid}, {1023, kDataSglLengthInvalid},
      {1024, kSuccess},           {1025, kSuccess},           {8192, kSuccess}};
  for (const auto& [length, status] : lengths) {
    for (const auto how : {SimQueue::Data::in_capsule, SimQueue::Data::by_r2t}) {
      SCOPED_TRACE(length);
      SimQueue queue(server_);
      Bytes bytes = tcp::raw_pdu(connect_data());
      bytes.resize(length);
      EXPECT_TRUE(queue.execute(connect_sqe(0), how, bytes).status().is(status));
    }
  }
}

// Data pointers of any kind in a capsule with and without data.
TEST_F(SimConnect, EachFieldOfTheDataPointer) {
  struct Pointer {
    const char* what;
    std::function<void(wire::Sqe&)> spoil;
    wire::Status status;
  };
  const Pointer pointers[] = {
      {"PRP", [](auto& sqe) { sqe.flags = 0; }, kInvalidField},
      {"a metadata segment", [](auto& sqe) { sqe.flags = 0x80; }, kInvalidField},
      {"PSDT 3", [](auto& sqe) { sqe.flags = 0xC0; }, kInvalidField},
      {"fused, first", [](auto& sqe) { sqe.flags = sqe.flags | 1; }, kInvalidField},
      {"fused, second", [](auto& sqe) { sqe.flags = sqe.flags | 2; }, kInvalidField},
      {"an address", [](auto& sqe) { sqe.dptr.type = 0x00; }, kSglDescriptorTypeInvalid},
      {"a bit bucket", [](auto& sqe) { sqe.dptr.type = 0x10; }, kSglDescriptorTypeInvalid},
      {"a segment", [](auto& sqe) { sqe.dptr.type = 0x20; }, kSglDescriptorTypeInvalid},
      {"a last segment", [](auto& sqe) { sqe.dptr.type = 0x31; }, kSglDescriptorTypeInvalid},
      {"a key", [](auto& sqe) { sqe.dptr.type = 0x40; }, kSglDescriptorTypeInvalid},
      {"type FFh", [](auto& sqe) { sqe.dptr.type = 0xFF; }, kSglDescriptorTypeInvalid},
      {"an offset beyond the data", [](auto& sqe) { sqe.dptr.address = 1025; }, kSglOffsetInvalid},
      {"an offset at the end", [](auto& sqe) { sqe.dptr.address = 1024; }, kDataSglLengthInvalid},
      {"an offset that overflows", [](auto& sqe) { sqe.dptr.address = ~std::uint64_t{0}; },
       kSglOffsetInvalid},
      {"a length beyond the data", [](auto& sqe) { sqe.dptr.length = 1025; }, kDataSglLengthInvalid},
      {"length FFFFFFFFh", [](auto& sqe) { sqe.dptr.length = 0xFFFFFFFF; }, kDataSglLengthInvalid},
      {"offset and length beyond the data", [](auto& sqe) { sqe.dptr.address = 1; }, kDataSglLengthInvalid},
      {"length 0", [](auto& sqe) { sqe.dptr.length = 0; }, kDataSglLengthInvalid},
  };
  unsigned round = 0;
  for (const Pointer& each : pointers) {
    SCOPED_TRACE(each.what);
    SimQueue queue(server_, {.hdgst = true, .ddgst = true});
    wire::Sqe sqe = connect_sqe(0);
    sqe.cid = 9;
    wire::set_in_capsule(sqe, 1024);
    each.spoil(sqe);
    wire::tcp::CapsuleCmd value{};
    value.ch.type = static_cast<std::uint8_t>(wire::tcp::PduType::capsule_cmd);
    value.sqe = sqe;
    queue.send(tcp::framed(value, {.hdgst = true, .ddgst = true}, tcp::raw_pdu(connect_data())));
    queue.run();
    const auto done = queue.take(9);
    EXPECT_TRUE(done.status().is(each.status)) << wire::name(done.status());
    // The stream is in step: a right one follows.
    EXPECT_TRUE(queue.execute(connect_sqe(0), SimQueue::Data::in_capsule, tcp::raw_pdu(connect_data())).ok());
    neighbour_.verify(++round);
  }
}

TEST_F(SimConnect, NothingButConnectBeforeConnect) {
  for (unsigned opcode = 0; opcode < 256; ++opcode) {
    if (opcode == 0x7F) continue;
    SimQueue queue(server_);
    wire::Sqe sqe{};
    sqe.opcode = static_cast<std::uint8_t>(opcode);
    EXPECT_TRUE(queue.execute(sqe).status().is(kCommandSequenceError)) << opcode;
  }
  for (unsigned fctype = 0; fctype < 256; ++fctype) {
    if (fctype == 1) continue;
    SimQueue queue(server_);
    wire::Sqe sqe{};
    sqe.opcode = 0x7F;
    sqe.nsid = fctype;
    EXPECT_FALSE(queue.execute(sqe).ok()) << fctype;
  }
}

TEST_F(SimConnect, HostsThatAreNotListed) {
  auto other = server_.target.add_subsystem("nqn.2024-01.test:listed").value();
  ASSERT_TRUE(other->add_host("nqn.2014-08.test:friend"));
  server_.port->link(other);
  auto data = connect_data();
  wire::write_terminated(data.subnqn, "nqn.2024-01.test:listed");
  SimQueue stranger(server_);
  const auto refused = stranger.execute(connect_sqe(0), SimQueue::Data::in_capsule, tcp::raw_pdu(data));
  EXPECT_TRUE(refused.status().is(kConnectInvalidHost));
  wire::write_terminated(data.hostnqn, "nqn.2014-08.test:friend");
  SimQueue listed(server_);
  EXPECT_TRUE(listed.execute(connect_sqe(0), SimQueue::Data::in_capsule, tcp::raw_pdu(data)).ok());
}

}  // namespace
}  // namespace weft::served
