#include "fabric/fake_host.h"

#include <algorithm>
#include <cstring>

#include "wire/nqn.h"

namespace weft::fabric {

namespace {

HostData sends(std::span<const std::byte> bytes, bool in_capsule) {
  return {.out = bytes, .pointer = in_capsule ? HostData::Pointer::capsule : HostData::Pointer::transport};
}

}  // namespace

FakeHost::~FakeHost() {
  WEFT_CHECK(drop(), "the target lets go of a host that left");
}

FakeHost::Answer FakeHost::execute(FakeConnection& connection, const wire::Sqe& sqe, const HostData& data) {
  return wait(connection, connection.submit(sqe, data));
}

FakeHost::Answer FakeHost::wait(FakeConnection& connection, Exchange& exchange) {
  Answer answer;
  if (!run_until([&exchange] { return exchange.finished(); })) {
    connection.desert(exchange);
    return answer;
  }
  answer.kind = exchange.completed() ? Answer::Kind::completed : Answer::Kind::lost;
  if (exchange.completed()) {
    answer.cqe = exchange.cqe();
    answer.data_bytes = exchange.data_in_bytes();
  }
  connection.release(exchange);
  return answer;
}

std::unique_ptr<FakeConnection> FakeHost::open(Loop& loop) {
  auto connection = std::make_unique<FakeConnection>(loop, options_.path);
  connection->attach(acceptor_);
  return connection;
}

void FakeHost::replace(std::unique_ptr<FakeConnection>& place, Loop& loop) {
  if (place) {
    place->cut();
    replaced_.push_back(std::move(place));
  }
  place = open(loop);
}

FakeHost::Answer FakeHost::send_connect(FakeConnection& connection, Qid qid, std::uint32_t entries) {
  wire::ConnectData data{};
  std::ranges::copy(options_.hostid, data.hostid);
  data.cntlid = qid.value() == 0 ? options_.cntlid.value() : cntlid_.value();
  wire::write_terminated(data.subnqn, options_.subnqn);
  wire::write_terminated(data.hostnqn, options_.hostnqn);
  const wire::Connect command{.qid = qid,
                              .queue_size = entries,
                              .disable_sqflow = options_.disable_sqflow,
                              .kato_ms = qid.value() == 0 ? options_.kato_ms : 0};
  return execute(connection, wire::make_connect(command), sends(wire::bytes_of(data), true));
}

FakeHost::Answer FakeHost::connect_admin() {
  replace(admin_, admin_loop_);
  Answer answer = send_connect(*admin_, Qid(0), options_.admin_entries);
  if (answer.ok()) cntlid_ = wire::ConnectResult::decode(answer.dw0()).cntlid;
  return answer;
}

FakeHost::Answer FakeHost::wait_csts(bool (*reached)(const wire::Csts&)) {
  for (;;) {
    Answer answer = property_get(wire::property::kCsts);
    if (!answer.ok() || reached(wire::Csts::decode(answer.dw0()))) return answer;
    if (!turn_()) {
      answer.kind = Answer::Kind::stuck;
      return answer;
    }
  }
}

FakeHost::Answer FakeHost::enable(wire::Cc cc) {
  Answer answer = property_set(wire::property::kCc, cc.encode());
  if (!answer.ok()) return answer;
  return wait_csts([](const wire::Csts& csts) { return csts.rdy || csts.cfs; });
}

FakeHost::Answer FakeHost::connect() {
  Answer answer = connect_admin();
  return answer.ok() ? enable() : answer;
}

FakeHost::Answer FakeHost::connect_io(Qid qid, Loop& loop, std::uint32_t entries) {
  WEFT_CHECK(qid.value() != 0, "queue 0 is the admin queue");
  if (io_.size() < qid.value()) io_.resize(qid.value());
  auto& place = io_[qid.value() - 1u];
  replace(place, loop);
  return send_connect(*place, qid, entries);
}

FakeHost::Answer FakeHost::disable() {
  Answer answer = property_set(wire::property::kCc, wire::Cc{.iosqes = 6, .iocqes = 4}.encode());
  if (!answer.ok()) return answer;
  return wait_csts([](const wire::Csts& csts) { return !csts.rdy; });
}

FakeHost::Answer FakeHost::shutdown() {
  wire::Cc cc = enabled_cc();
  cc.shn = wire::ShutdownNotification::normal;
  Answer answer = property_set(wire::property::kCc, cc.encode());
  if (!answer.ok()) return answer;
  return wait_csts([](const wire::Csts& csts) { return csts.shst == wire::ShutdownStatus::complete; });
}

FakeHost::Answer FakeHost::disconnect(Qid qid) {
  return execute(queue(qid), wire::make_disconnect());
}

bool FakeHost::drop() {
  for (auto& connection : io_)
    if (connection) replaced_.push_back(std::move(connection));
  io_.clear();
  if (admin_) replaced_.push_back(std::move(admin_));
  for (auto& connection : replaced_) connection->cut();
  const auto gone = [](const auto& connection) {
    return connection->is_retired() && !connection->has_work_posted();
  };
  if (!run_until([&] { return std::ranges::all_of(replaced_, gone); })) return false;
  replaced_.clear();
  return true;
}

FakeHost::Answer FakeHost::property_get(std::uint32_t offset, std::uint8_t size) {
  return execute(admin(), wire::make_property_get({.offset = offset, .size = size}));
}

FakeHost::Answer FakeHost::property_set(std::uint32_t offset, std::uint64_t value, std::uint8_t size) {
  return execute(admin(), wire::make_property_set({.offset = offset, .size = size, .value = value}));
}

FakeHost::Answer FakeHost::identify(const wire::Identify& command, std::span<std::byte> into) {
  return execute(admin(), wire::make_identify(command), {.in = into});
}

FakeHost::Answer FakeHost::identify_controller(wire::IdentifyController& into) {
  return identify({.cns = static_cast<std::uint8_t>(wire::IdentifyCns::controller)},
                  wire::writable_bytes_of(into));
}

FakeHost::Answer FakeHost::identify_namespace(Nsid nsid, wire::IdentifyNamespace& into) {
  return identify({.nsid = nsid, .cns = static_cast<std::uint8_t>(wire::IdentifyCns::ns)},
                  wire::writable_bytes_of(into));
}

FakeHost::Answer FakeHost::get_log(const wire::GetLogPage& command, std::span<std::byte> into) {
  wire::GetLogPage sized = command;
  sized.length = into.size();
  return execute(admin(), wire::make_get_log_page(sized), {.in = into});
}

FakeHost::Answer FakeHost::get_features(const wire::GetFeatures& command, std::span<std::byte> into) {
  return execute(admin(), wire::make_get_features(command), {.in = into});
}

FakeHost::Answer FakeHost::set_features(const wire::SetFeatures& command, std::span<const std::byte> data) {
  return execute(admin(), wire::make_set_features(command), sends(data, !data.empty()));
}

FakeHost::Answer FakeHost::keep_alive() {
  return execute(admin(), wire::make_keep_alive());
}

FakeHost::Answer FakeHost::abort(Qid sqid, Cid cid) {
  return execute(admin(), wire::make_abort({.sqid = sqid, .cid = cid}));
}

FakeHost::Answer FakeHost::read(Nsid nsid, wire::LbaRange range, std::span<std::byte> into, Via via) {
  return execute(io(Qid(via.queue)), wire::make_read({.nsid = nsid, .range = range, .fua = via.fua}),
                 {.in = into});
}

FakeHost::Answer FakeHost::write(Nsid nsid, wire::LbaRange range, std::span<const std::byte> from, Via via) {
  return execute(io(Qid(via.queue)), wire::make_write({.nsid = nsid, .range = range, .fua = via.fua}),
                 sends(from, via.in_capsule));
}

FakeHost::Answer FakeHost::compare(Nsid nsid, wire::LbaRange range, std::span<const std::byte> with,
                                   Via via) {
  return execute(io(Qid(via.queue)), wire::make_compare({.nsid = nsid, .range = range, .fua = via.fua}),
                 sends(with, via.in_capsule));
}

FakeHost::Answer FakeHost::flush(Nsid nsid, Via via) {
  return execute(io(Qid(via.queue)), wire::make_flush({.nsid = nsid}));
}

FakeHost::Answer FakeHost::write_zeroes(Nsid nsid, wire::LbaRange range, bool deallocate, Via via) {
  return execute(
      io(Qid(via.queue)),
      wire::make_write_zeroes({.nsid = nsid, .range = range, .fua = via.fua, .deallocate = deallocate}));
}

FakeHost::Answer FakeHost::deallocate(Nsid nsid, std::span<const wire::DsmRange> ranges, Via via) {
  const wire::DatasetManagement command{
      .nsid = nsid, .ranges = static_cast<std::uint32_t>(ranges.size()), .deallocate = true};
  return execute(io(Qid(via.queue)), wire::make_dataset_management(command),
                 sends(std::as_bytes(ranges), via.in_capsule));
}

}  // namespace weft::fabric
