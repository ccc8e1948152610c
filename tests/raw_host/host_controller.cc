#include "raw_host/host_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace weft::raw_host {

namespace {

constexpr std::uint32_t kSqeBytes = 64;
constexpr std::chrono::milliseconds kPollEvery{2};

Completion ok_or_throw(Completion completion, std::string_view what) {
  const wire::Status status = completion.status();
  if (status.ok()) return completion;
  throw Failure(fmt::format("{}: {} (SCT {:X}h, SC {:02X}h{}), result {:08X}h", what, wire::name(status),
                            status.sct, status.sc, status.dnr ? ", DNR" : "", completion.dw0()));
}

void check_length(const Completion& completion, std::size_t bytes, std::string_view what) {
  if (completion.ok() && completion.data.size() != bytes)
    throw Failure(
        fmt::format("{}: succeeded with {} bytes instead of {}", what, completion.data.size(), bytes));
}

template <wire::WireStruct T>
Bytes copy_of(const T& value) {
  const auto bytes = wire::bytes_of(value);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

wire::ConnectData connect_data(const HostOptions& options, Cntlid cntlid) {
  wire::ConnectData data{};
  std::ranges::copy(options.hostid, data.hostid);
  data.cntlid = cntlid.value();
  wire::write_terminated(data.subnqn, options.subnqn);
  wire::write_terminated(data.hostnqn, options.hostnqn);
  return data;
}

wire::Connect connect_command(const HostOptions& options, Qid qid) {
  const bool admin = qid.value() == 0;
  return {.qid = qid,
          .queue_size = admin ? options.admin_entries : options.io_entries,
          .disable_sqflow = options.queue.sqflow_disabled,
          .kato_ms = admin ? options.kato_ms : 0};
}

HostController::HostController(const HostOptions& options, PduLog& log)
    : options_(options), log_(log), admin_(connect_queue(Qid(0))) {
  enable();
  const Completion page = ok_or_throw(
      identify({.cns = static_cast<std::uint8_t>(wire::IdentifyCns::controller)}), "Identify Controller");
  controller_ = *wire::load<wire::IdentifyController>(page.data);
}

std::unique_ptr<RawQueue> HostController::connect_queue(Qid qid) {
  auto queue = std::make_unique<RawQueue>(options_.queue, log_);
  const Completion answer =
      ok_or_throw(queue->execute(wire::make_connect(connect_command(options_, qid)),
                                 {.out = copy_of(connect_data(options_, cntlid_)), .in_capsule = true}),
                  fmt::format("Connect of queue {} to {}", qid.value(), options_.subnqn));
  const Cntlid given = wire::ConnectResult::decode(answer.dw0()).cntlid;
  if (qid.value() == 0)
    cntlid_ = given;
  else if (given != cntlid_)
    throw Failure(fmt::format("Connect of queue {}: controller {} instead of {}", qid.value(), given.value(),
                              cntlid_.value()));
  return queue;
}

void HostController::enable() {
  const wire::Cc cc{.en = true, .iosqes = 6, .iocqes = 4};
  ok_or_throw(property_set(wire::property::kCc, cc.encode()), "Property Set CC.EN");
  wait_csts([](const wire::Csts& csts) { return csts.rdy; }, "CSTS.RDY");
}

void HostController::shut_down() {
  const wire::Cc cc{.en = true, .shn = wire::ShutdownNotification::normal, .iosqes = 6, .iocqes = 4};
  ok_or_throw(property_set(wire::property::kCc, cc.encode()), "Property Set CC.SHN");
  wait_csts([](const wire::Csts& csts) { return csts.shst == wire::ShutdownStatus::complete; }, "CSTS.SHST");
}

// A controller gives no sign when CSTS changes: a host polls.
void HostController::wait_csts(bool (*reached)(const wire::Csts&), const char* what) {
  const auto deadline = std::chrono::steady_clock::now() + options_.queue.socket.timeout;
  for (;;) {
    const auto csts = wire::Csts::decode(static_cast<std::uint32_t>(property_get(wire::property::kCsts)));
    if (reached(csts)) return;
    if (csts.cfs) throw Failure("the controller reports a fatal status");
    if (std::chrono::steady_clock::now() >= deadline) throw TimedOut(fmt::format("{} does not come", what));
    std::this_thread::sleep_for(kPollEvery);
  }
}

void HostController::connect_io(std::uint16_t count) {
  const std::uint32_t wanted = static_cast<std::uint32_t>(io_.size()) + count;
  const wire::NumberOfQueues request{.submission = wanted, .completion = wanted};
  const Completion answer =
      ok_or_throw(set_features({.fid = static_cast<std::uint8_t>(wire::FeatureId::number_of_queues),
                                .cdw11 = request.encode()}),
                  "Set Features (Number of Queues)");
  const auto granted = wire::NumberOfQueues::decode(answer.dw0());
  if (granted.submission < wanted)
    throw Failure(fmt::format("only {} of {} I/O queues were granted", granted.submission, wanted));
  for (std::uint16_t i = 0; i < count; ++i)
    io_.push_back(connect_queue(Qid(static_cast<std::uint16_t>(io_.size() + 1))));
}

std::uint32_t HostController::in_capsule_bytes() const {
  const std::uint32_t capsule = controller_.ioccsz * 16;
  return capsule > kSqeBytes ? capsule - kSqeBytes : 0;
}

std::uint64_t HostController::property_get(std::uint32_t offset, std::uint8_t size) {
  const wire::Sqe sqe = wire::make_property_get({.offset = offset, .size = size});
  return ok_or_throw(admin_->execute(sqe), fmt::format("Property Get {:02X}h", offset)).cqe.result;
}

Completion HostController::property_set(std::uint32_t offset, std::uint64_t value, std::uint8_t size) {
  return admin_->execute(wire::make_property_set({.offset = offset, .size = size, .value = value}));
}

void HostController::disconnect() {
  for (auto& queue : io_) {
    ok_or_throw(queue->execute(wire::make_disconnect()), "Disconnect");
    queue->connection().socket().close();
  }
  io_.clear();
  admin_->connection().socket().close();  // Disconnect is for I/O queues
}

Completion HostController::identify(const wire::Identify& command) {
  Completion answer = admin_->execute(wire::make_identify(command), {.in = wire::kIdentifySize});
  check_length(answer, wire::kIdentifySize, fmt::format("Identify CNS {:02X}h", command.cns));
  return answer;
}

wire::IdentifyNamespace HostController::identify_namespace(Nsid nsid) {
  const Completion page = ok_or_throw(identify({.nsid = nsid}), "Identify Namespace");
  return *wire::load<wire::IdentifyNamespace>(page.data);
}

Completion HostController::get_log(wire::GetLogPage command, std::uint32_t length) {
  command.length = length;
  Completion answer = admin_->execute(wire::make_get_log_page(command), {.in = length});
  check_length(answer, length, fmt::format("Get Log Page {:02X}h", command.lid));
  return answer;
}

Completion HostController::get_features(const wire::GetFeatures& command, std::uint32_t length) {
  return admin_->execute(wire::make_get_features(command), {.in = length});
}

Completion HostController::set_features(const wire::SetFeatures& command, Bytes data) {
  const bool in_capsule = !data.empty();
  return admin_->execute(wire::make_set_features(command),
                         {.out = std::move(data), .in_capsule = in_capsule});
}

Completion HostController::keep_alive() {
  return admin_->execute(wire::make_keep_alive());
}

std::uint16_t HostController::submit_async_event_request() {
  return admin_->submit(wire::make_async_event_request());
}

Completion HostController::abort(Qid sqid, Cid cid) {
  return admin_->execute(wire::make_abort({.sqid = sqid, .cid = cid}));
}

Transfer HostController::sends(Bytes data) const {
  const bool fits = options_.write_in_capsule && data.size() <= in_capsule_bytes();
  return {.out = std::move(data), .in_capsule = fits};
}

std::uint16_t HostController::submit_read(Nsid nsid, wire::LbaRange range, std::uint32_t block_bytes,
                                          std::size_t queue) {
  return io(queue).submit(wire::make_read({.nsid = nsid, .range = range}),
                          {.in = range.blocks * block_bytes});
}

std::uint16_t HostController::submit_write(Nsid nsid, wire::LbaRange range, Bytes data, bool fua,
                                           std::size_t queue) {
  return io(queue).submit(wire::make_write({.nsid = nsid, .range = range, .fua = fua}),
                          sends(std::move(data)));
}

Completion HostController::read(Nsid nsid, wire::LbaRange range, std::uint32_t block_bytes,
                                std::size_t queue) {
  Completion answer = io(queue).wait(submit_read(nsid, range, block_bytes, queue));
  check_length(answer, std::size_t{range.blocks} * block_bytes, "Read");
  return answer;
}

Completion HostController::write(Nsid nsid, wire::LbaRange range, Bytes data, bool fua, std::size_t queue) {
  return io(queue).wait(submit_write(nsid, range, std::move(data), fua, queue));
}

Completion HostController::compare(Nsid nsid, wire::LbaRange range, Bytes data, std::size_t queue) {
  return io(queue).execute(wire::make_compare({.nsid = nsid, .range = range}), sends(std::move(data)));
}

Completion HostController::flush(Nsid nsid, std::size_t queue) {
  return io(queue).execute(wire::make_flush({.nsid = nsid}));
}

Completion HostController::write_zeroes(Nsid nsid, wire::LbaRange range, bool deallocate, std::size_t queue) {
  return io(queue).execute(wire::make_write_zeroes({.nsid = nsid, .range = range, .deallocate = deallocate}));
}

Completion HostController::deallocate(Nsid nsid, std::span<const wire::DsmRange> ranges, std::size_t queue) {
  const wire::DatasetManagement command{
      .nsid = nsid, .ranges = static_cast<std::uint32_t>(ranges.size()), .deallocate = true};
  const auto bytes = std::as_bytes(ranges);
  return io(queue).execute(wire::make_dataset_management(command), sends(Bytes(bytes.begin(), bytes.end())));
}

}  // namespace weft::raw_host
