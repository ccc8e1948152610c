// A controller as a host has it: an admin queue that is connected and enabled, and I/O queues.  The helpers
// wait for one command's completion; for several in flight use the queues' submit() and wait().
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "raw_host/raw_queue.h"
#include "wire/admin_command.h"
#include "wire/fabrics.h"
#include "wire/identify.h"
#include "wire/io_command.h"
#include "wire/nqn.h"
#include "wire/properties.h"

namespace weft::raw_host {

struct HostOptions {
  RawQueue::Options queue;  // of each queue; sqflow_disabled decides for Connect too
  std::string subnqn{wire::kDiscoveryNqn};
  std::string hostnqn = "nqn.2014-08.org.nvmexpress:uuid:0c5d3a86-6f0e-4f0b-8a5e-27b1b1a60c11";
  std::array<std::uint8_t, 16> hostid{0x0c, 0x5d, 0x3a, 0x86, 0x6f, 0x0e, 0x4f, 0x0b,
                                      0x8a, 0x5e, 0x27, 0xb1, 0xb1, 0xa6, 0x0c, 0x11};
  std::uint32_t kato_ms = 0;
  std::uint32_t admin_entries = 32;
  std::uint32_t io_entries = 128;
  bool write_in_capsule = true;  // data that fits goes in the capsule
};

// Connect's data and command as HostOptions say, for tests that spoil them.
wire::ConnectData connect_data(const HostOptions& options, Cntlid cntlid = kDynamicController);
wire::Connect connect_command(const HostOptions& options, Qid qid);

class HostController {
 public:
  // Connects the admin queue, enables the controller and identifies it.  Throws Failure naming the command
  // that was refused.
  HostController(const HostOptions& options, PduLog& log);

  // Set Features (Number of Queues), then so many I/O queues beside those that are there.
  void connect_io(std::uint16_t count);

  RawQueue& admin() { return *admin_; }
  RawQueue& io(std::size_t index) { return *io_.at(index); }  // qid - 1
  std::size_t io_queues() const { return io_.size(); }
  Cntlid cntlid() const { return cntlid_; }
  const wire::IdentifyController& controller() const { return controller_; }
  std::uint32_t in_capsule_bytes() const;  // data that an I/O capsule may carry, by IOCCSZ

  std::uint64_t property_get(std::uint32_t offset, std::uint8_t size = 4);
  Completion property_set(std::uint32_t offset, std::uint64_t value, std::uint8_t size = 4);
  void shut_down();   // CC.SHN normal, until CSTS.SHST says complete
  void disconnect();  // the Disconnect command on each I/O queue, then closes them and the admin queue

  Completion identify(const wire::Identify& command);
  wire::IdentifyNamespace identify_namespace(Nsid nsid);
  Completion get_log(wire::GetLogPage command, std::uint32_t length);
  Completion get_features(const wire::GetFeatures& command, std::uint32_t length = 0);
  Completion set_features(const wire::SetFeatures& command, Bytes data = {});
  Completion keep_alive();
  std::uint16_t submit_async_event_request();  // the cid on the admin queue
  Completion abort(Qid sqid, Cid cid);

  // On I/O queue `queue` (its index).  Lengths in blocks of `block_bytes`.
  Completion read(Nsid nsid, wire::LbaRange range, std::uint32_t block_bytes, std::size_t queue = 0);
  Completion write(Nsid nsid, wire::LbaRange range, Bytes data, bool fua = false, std::size_t queue = 0);
  Completion compare(Nsid nsid, wire::LbaRange range, Bytes data, std::size_t queue = 0);
  Completion flush(Nsid nsid, std::size_t queue = 0);
  Completion write_zeroes(Nsid nsid, wire::LbaRange range, bool deallocate = false, std::size_t queue = 0);
  Completion deallocate(Nsid nsid, std::span<const wire::DsmRange> ranges, std::size_t queue = 0);

  // The same without waiting: the cid.
  std::uint16_t submit_read(Nsid nsid, wire::LbaRange range, std::uint32_t block_bytes,
                            std::size_t queue = 0);
  std::uint16_t submit_write(Nsid nsid, wire::LbaRange range, Bytes data, bool fua = false,
                             std::size_t queue = 0);

 private:
  std::unique_ptr<RawQueue> connect_queue(Qid qid);
  void enable();
  void wait_csts(bool (*reached)(const wire::Csts&), const char* what);
  Transfer sends(Bytes data) const;

  const HostOptions options_;
  PduLog& log_;
  Cntlid cntlid_ = kDynamicController;
  wire::IdentifyController controller_{};
  std::unique_ptr<RawQueue> admin_;
  std::vector<std::unique_ptr<RawQueue>> io_;
};

}  // namespace weft::raw_host
