#include "served/sim_host.h"

#include <algorithm>

#include "wire/io_command.h"
#include "wire/nqn.h"
#include "wire/properties.h"

namespace weft::served {

using tcp::append;
using wire::tcp::PduType;

SimServer::SimServer(unsigned count, tcp::Options tcp_options)
    : loops(count),
      networks(loops),
      target(loops),
      transport(networks, tcp_options),
      disk(std::make_shared<block::DelayBackend>(
          std::make_shared<block::MemoryBackend>(kBlocks, kBlockBytes))) {
  subsystem = target.add_subsystem(std::string(kNqn)).value();
  EXPECT_TRUE(subsystem->change_settings([](target::SubsystemSettings& settings) -> Result<> {
    settings.allow_any_host = true;
    return {};
  }));
  EXPECT_TRUE(subsystem->add_namespace(kNsid, {.backend = disk}));
  port = target.add_port({.id = PortId(1), .traddr = "127.0.0.1", .trsvcid = "4420"}).value();
  port->link(subsystem);
  listener = transport.listen({.traddr = "127.0.0.1", .trsvcid = "4420"}, *port).value();
  loops.run_until_idle();
}

SimServer::~SimServer() {
  listener.reset();
  transport.shut_down();
  loops.run_until_idle();
  EXPECT_EQ(transport.connections(), 0u);
  EXPECT_TRUE(subsystem->controllers().empty());
  EXPECT_TRUE(target.discovery()->controllers().empty());
  for (const auto& each : target.subsystems()) EXPECT_TRUE(target.remove_subsystem(each->nqn(), [] {}));
  subsystem.reset();
  loops.run_until_idle();
  for (Loop* loop : loops.all()) EXPECT_EQ(loop->buffers().held_bytes(), 0u) << "data buffers leak";
}

wire::ConnectData connect_data(std::uint16_t cntlid) {
  wire::ConnectData data{};
  data.hostid[0] = 1;
  data.cntlid = cntlid;
  wire::write_terminated(data.subnqn, kNqn);
  wire::write_terminated(data.hostnqn, kHostNqn);
  return data;
}

wire::Sqe connect_sqe(std::uint16_t qid, std::uint32_t entries) {
  return wire::make_connect({.qid = Qid(qid), .queue_size = entries, .disable_sqflow = true});
}

SimQueue::SimQueue(SimServer& server, const Agreement& agreed, bool handshake)
    : server_(server), agreed_(agreed), far_(server.networks.connect()) {
  server_.loops.run_until_idle();
  if (!handshake) return;
  send(tcp::raw_pdu(
      wire::tcp::make_ic_req({.hpda = agreed.hpda, .hdgst = agreed.hdgst, .ddgst = agreed.ddgst})));
  server_.loops.run_until_idle();
  const auto answers = tcp::take_pdus(*far_, agreed);
  EXPECT_EQ(answers.size(), 1u);
}

SimQueue::~SimQueue() {
  end();
}

void SimQueue::send(std::span<const std::byte> bytes) {
  far_->to_near.insert(far_->to_near.end(), bytes.begin(), bytes.end());
  if (far_->stream != nullptr) far_->stream->pump();
}

void SimQueue::end(int error) {
  if (far_->stream != nullptr) far_->stream->end(error);
  server_.loops.run_until_idle();
}

std::uint16_t SimQueue::submit(wire::Sqe sqe, Data how, Bytes out, std::uint32_t in_bytes) {
  sqe.cid = next_cid_++;
  wire::tcp::CapsuleCmd value{};
  value.ch.type = static_cast<std::uint8_t>(PduType::capsule_cmd);
  if (how == Data::in_capsule)
    wire::set_in_capsule(sqe, static_cast<std::uint32_t>(out.size()));
  else
    wire::set_transport(sqe, how == Data::by_r2t ? static_cast<std::uint32_t>(out.size()) : in_bytes);
  value.sqe = sqe;
  send(tcp::framed(value, agreed_,
                   how == Data::in_capsule ? std::span<const std::byte>(out) : std::span<const std::byte>()));
  out_[sqe.cid] = std::move(out);
  in_.erase(sqe.cid);
  done_.erase(sqe.cid);
  return sqe.cid;
}

void SimQueue::run() {
  do {
    server_.loops.run_until_idle();
    take_all();
  } while (server_.loops.run_turn());
}

void SimQueue::take_all() {
  for (auto& pdu : tcp::take_pdus(*far_, agreed_)) {
    switch (pdu.type) {
      case PduType::r2t:
        if (hold_r2ts)
          held_r2ts.push_back(pdu.as<wire::tcp::R2t>());
        else
          answer(pdu.as<wire::tcp::R2t>());
        break;
      case PduType::c2h_data: {
        const auto header = pdu.as<wire::tcp::C2hData>();
        append(in_[header.cccid], pdu.data);
        if ((pdu.ch.flags & wire::tcp::kSuccess) == 0) break;
        Done& done = done_[header.cccid];
        done.cqe.cid = header.cccid;
        done.data = std::move(in_[header.cccid]);
        break;
      }
      case PduType::capsule_resp: {
        const auto cqe = pdu.as<wire::tcp::CapsuleResp>().cqe;
        done_[cqe.cid] = Done{.cqe = cqe, .data = std::move(in_[cqe.cid])};
        break;
      }
      case PduType::c2h_term_req:
        terminations_.push_back(pdu.as<wire::tcp::TermReq>());
        break;
      default:
        ADD_FAILURE() << "an unexpected PDU";
    }
  }
}

void SimQueue::answer(const wire::tcp::R2t& r2t) {
  const Bytes& out = out_[r2t.cccid];
  ASSERT_LE(r2t.r2to + r2t.r2tl, out.size());
  constexpr std::uint32_t kPart = 100'000;
  for (std::uint32_t at = 0; at < r2t.r2tl; at += kPart) {
    const std::uint32_t part = std::min<std::uint32_t>(kPart, r2t.r2tl - at);
    send(tcp::h2c_data(r2t.cccid, r2t.ttag, r2t.r2to + at, std::span(out).subspan(r2t.r2to + at, part),
                       at + part == r2t.r2tl, agreed_));
  }
}

SimQueue::Done SimQueue::take(std::uint16_t cid) {
  const auto found = done_.find(cid);
  if (found == done_.end()) {
    ADD_FAILURE() << "command " << cid << " is not answered";
    Done nothing;
    nothing.cqe.status = wire::status::kInternalError.encode();
    return nothing;
  }
  Done done = std::move(found->second);
  done_.erase(found);
  return done;
}

SimHost::SimHost(SimServer& to, std::uint16_t io_queues, const Agreement& agreed) : server(to) {
  admin = std::make_unique<SimQueue>(server, agreed);
  const auto connected =
      admin->execute(connect_sqe(0), SimQueue::Data::in_capsule, tcp::raw_pdu(connect_data()));
  EXPECT_TRUE(connected.ok()) << wire::name(connected.status());
  cntlid = wire::ConnectResult::decode(connected.cqe.dw0()).cntlid.value();
  const wire::Cc cc{.en = true, .iosqes = 6, .iocqes = 4};
  EXPECT_TRUE(
      admin->execute(wire::make_property_set({.offset = wire::property::kCc, .value = cc.encode()})).ok());
  for (std::uint16_t qid = 1; qid <= io_queues; ++qid) {
    io.push_back(std::make_unique<SimQueue>(server, agreed));
    const auto joined = io.back()->execute(connect_sqe(qid, 128), SimQueue::Data::in_capsule,
                                           tcp::raw_pdu(connect_data(cntlid)));
    EXPECT_TRUE(joined.ok()) << wire::name(joined.status());
  }
}

wire::Status SimHost::write(std::uint64_t lba, const Bytes& data, bool in_capsule, std::size_t queue) {
  const auto blocks = static_cast<std::uint32_t>(data.size() / SimServer::kBlockBytes);
  return io.at(queue)
      ->execute(wire::make_write({.nsid = kNsid, .range = {lba, blocks}}),
                in_capsule ? SimQueue::Data::in_capsule : SimQueue::Data::by_r2t, data)
      .status();
}

Bytes SimHost::read(std::uint64_t lba, std::uint32_t blocks, std::size_t queue) {
  auto done = io.at(queue)->execute(wire::make_read({.nsid = kNsid, .range = {lba, blocks}}),
                                    SimQueue::Data::to_host, {}, blocks * SimServer::kBlockBytes);
  return done.ok() ? std::move(done.data) : Bytes();
}

void SimHost::verify(unsigned seed) {
  const std::uint32_t blocks = 1 + seed % 16;
  const std::uint64_t lba = (seed * 17u) % (SimServer::kBlocks - 16);
  const Bytes data = tcp::pattern(std::size_t{blocks} * SimServer::kBlockBytes, seed);
  EXPECT_TRUE(write(lba, data, seed % 2 == 0).ok());
  EXPECT_TRUE(read(lba, blocks) == data);
}

}  // namespace weft::served
