// raw_session PORT NQN LOG [hdgst] [ddgst]: a host's session with every kind of PDU, on 127.0.0.1.  What went
// over the wire is written to LOG (raw_host/pdu_log.h), to be compared with a dissector's view.
#include <cstdio>
#include <string>
#include <string_view>

#include "raw_host/host_controller.h"
#include "wire/io_command.h"

namespace weft::raw_host {

namespace {

constexpr Nsid kNsid{1};
constexpr std::uint32_t kBlockBytes = 512;

void expect(bool good, const char* what) {
  if (!good) throw Failure(std::string(what) + " failed");
}

Bytes numbered(std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  return bytes;
}

void administer(HostController& host) {
  expect(host.identify_namespace(kNsid).nsze > 0, "Identify Namespace");
  expect(host.get_log({.lid = 2}, 512).ok(), "Get Log Page");
  expect(host.get_features({.fid = 7}).ok(), "Get Features");
  expect(host.keep_alive().ok(), "Keep Alive");
  const std::uint16_t event = host.submit_async_event_request();
  expect(host.abort(Qid(0), Cid(event)).ok(), "Abort");
  wire::Sqe unknown{};
  unknown.opcode = 0xC0;
  expect(!host.admin().execute(unknown).ok(), "refusing a command that is none");
}

void transfer(HostController& host, std::size_t queue) {
  const Bytes large = numbered(1u << 19);
  const wire::LbaRange range{queue * 4096, static_cast<std::uint32_t>(large.size() / kBlockBytes)};
  expect(host.write(kNsid, {range.slba, 8}, numbered(4096), false, queue).ok(), "Write in the capsule");
  expect(host.write(kNsid, range, large, true, queue).ok(), "Write by R2T");
  expect(host.read(kNsid, range, kBlockBytes, queue).data == large, "Read");
  expect(host.compare(kNsid, {range.slba, 8}, numbered(4096), queue).ok(), "Compare");
  expect(host.flush(kNsid, queue).ok(), "Flush");
  expect(host.write_zeroes(kNsid, {range.slba, 16}, false, queue).ok(), "Write Zeroes");
  const wire::DsmRange unused{.context_attributes = 0, .blocks = 16, .slba = range.slba};
  expect(host.deallocate(kNsid, {&unused, 1}, queue).ok(), "Dataset Management");
  // Several at once.
  constexpr std::uint32_t kAtOnce = 8;
  std::vector<std::uint16_t> cids;
  cids.reserve(kAtOnce);
  for (std::uint32_t i = 0; i < kAtOnce; ++i)
    cids.push_back(i % 2 == 0 ? host.submit_read(kNsid, {range.slba + i, 8}, kBlockBytes, queue)
                              : host.submit_write(kNsid, {range.slba + 100 * i, 40},
                                                  numbered(40 * kBlockBytes), false, queue));
  for (const std::uint16_t cid : cids) expect(host.io(queue).wait(cid).ok(), "one of several commands");
}

int run(int count, char** words) {
  if (count < 4) throw Failure("usage: raw_session PORT NQN LOG [hdgst] [ddgst]");
  HostOptions options;
  options.queue.port = static_cast<std::uint16_t>(std::stoul(words[1]));
  options.subnqn = words[2];
  options.queue.h2c_sizes = {4096, 10'000, 131'072};
  for (int i = 4; i < count; ++i) {
    options.queue.init.hdgst |= std::string_view(words[i]) == "hdgst";
    options.queue.init.ddgst |= std::string_view(words[i]) == "ddgst";
  }
  PduLog log;
  {
    HostController host(options, log);
    host.connect_io(2);
    administer(host);
    for (std::size_t queue = 0; queue < 2; ++queue) transfer(host, queue);
    host.shut_down();
    host.disconnect();
  }
  log.write(std::string(words[3]));
  return 0;
}

}  // namespace

}  // namespace weft::raw_host

int main(int count, char** words) {
  try {
    return weft::raw_host::run(count, words);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "raw_session: %s\n", problem.what());
    return 1;
  }
}
