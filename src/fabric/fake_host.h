// A host in memory: connects an admin queue and I/O queues to an Acceptor through FakeConnections, and has a
// helper for each command that runs the test's loops until the answer is there.  For what helpers do not do
// (many commands in flight, wrong fields, cuts), use the FakeConnections themselves.
//
// The helpers may be called where the test drives its loops: between two turns, never inside one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "fabric/fake_connection.h"
#include "wire/admin_command.h"
#include "wire/fabrics.h"
#include "wire/identify.h"
#include "wire/io_command.h"
#include "wire/properties.h"

namespace weft::fabric {

class FakeHost {
 public:
  struct Options {
    std::string subnqn;
    std::string hostnqn = "nqn.2014-08.org.nvmexpress:uuid:5e2d1b44-8d4f-4a0e-9c39-3f6b0d9e7a01";
    std::array<std::uint8_t, 16> hostid{0x5e, 0x2d, 0x1b, 0x44, 0x8d, 0x4f, 0x4a, 0x0e,
                                        0x9c, 0x39, 0x3f, 0x6b, 0x0d, 0x9e, 0x7a, 0x01};
    Cntlid cntlid = kDynamicController;
    std::uint32_t admin_entries = 32;
    std::uint32_t kato_ms = 0;
    bool disable_sqflow = true;
    Path path = FakeConnection::default_path();
  };

  // How a command ended.
  struct Answer {
    enum class Kind : std::uint8_t {
      completed,
      lost,   // the connection ended first
      stuck,  // the turns ran out: the command is still with the target, the host has forgotten it
    };
    Kind kind = Kind::stuck;
    wire::Cqe cqe{};
    std::uint32_t data_bytes = 0;  // that came in

    bool completed() const { return kind == Kind::completed; }
    wire::Status status() const { return cqe.decoded_status(); }
    bool ok() const { return completed() && status().ok(); }
    bool is(wire::Status status) const { return completed() && this->status().is(status); }
    std::uint32_t dw0() const { return cqe.dw0(); }
  };

  // How a helper sends an I/O command.
  struct Via {
    std::uint16_t queue = 1;  // the qid
    bool fua = false;
    bool in_capsule = false;
  };

  // `turn` gives every loop of the test a turn (and may move the time, or wait for other threads); it returns
  // false when nothing will come of another one.  The acceptor outlives the host.
  template <class Turn>
  FakeHost(Loop& admin_loop, Acceptor& acceptor, Turn&& turn, Options options)
      : admin_loop_(admin_loop),
        acceptor_(acceptor),
        turn_(std::forward<Turn>(turn)),
        options_(std::move(options)) {}
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost();  // cuts what is still connected and waits until the target let go of it

  // Connect on a new admin queue; then CC.EN and until CSTS.RDY.  On an error the queue stays for a look.
  Answer connect_admin();
  Answer enable(wire::Cc cc = enabled_cc());  // Property Set CC, then Property Get CSTS until ready
  Answer connect();                           // both
  // Connect on a new I/O queue, whose connection lives on this loop.
  Answer connect_io(Qid qid, Loop& loop, std::uint32_t entries = 128);
  static wire::Cc enabled_cc() { return {.en = true, .iosqes = 6, .iocqes = 4}; }

  // CC.EN = 0, or CC.SHN = normal; then until CSTS says that it happened.
  Answer disable();
  Answer shutdown();
  Answer disconnect(Qid qid);  // the Disconnect command
  // Cuts every connection and runs turns until all are retired; false when the turns ran out before.
  bool drop();

  FakeConnection& admin() { return *admin_; }
  FakeConnection& io(Qid qid) { return *io_.at(qid.value() - 1u); }
  FakeConnection& queue(Qid qid) { return qid.value() == 0 ? admin() : io(qid); }
  Cntlid cntlid() const { return cntlid_; }  // from Connect's answer

  // Sends one command and waits for its end.
  Answer execute(FakeConnection& connection, const wire::Sqe& sqe, const HostData& data = {});
  // Of a command sent by hand: runs turns until it finishes, and releases it.
  Answer wait(FakeConnection& connection, Exchange& exchange);
  // Runs turns until `condition` holds; false when the turns ran out before.
  template <class Condition>
  bool run_until(Condition&& condition) {
    while (!condition())
      if (!turn_()) return condition();
    return true;
  }

  Answer property_get(std::uint32_t offset, std::uint8_t size = 4);  // the value is cqe.result
  Answer property_set(std::uint32_t offset, std::uint64_t value, std::uint8_t size = 4);

  Answer identify(const wire::Identify& command, std::span<std::byte> into);
  Answer identify_controller(wire::IdentifyController& into);
  Answer identify_namespace(Nsid nsid, wire::IdentifyNamespace& into);
  Answer get_log(const wire::GetLogPage& command, std::span<std::byte> into);  // length: from `into`
  Answer get_features(const wire::GetFeatures& command, std::span<std::byte> into = {});
  Answer set_features(const wire::SetFeatures& command, std::span<const std::byte> data = {});
  Answer keep_alive();
  Answer abort(Qid sqid, Cid cid);
  Exchange& send_async_event_request() { return admin().submit(wire::make_async_event_request()); }

  Answer read(Nsid nsid, wire::LbaRange range, std::span<std::byte> into, Via via);
  Answer write(Nsid nsid, wire::LbaRange range, std::span<const std::byte> from, Via via);
  Answer compare(Nsid nsid, wire::LbaRange range, std::span<const std::byte> with, Via via);
  Answer flush(Nsid nsid, Via via);
  Answer write_zeroes(Nsid nsid, wire::LbaRange range, bool deallocate, Via via);
  Answer deallocate(Nsid nsid, std::span<const wire::DsmRange> ranges, Via via);
  // The same on I/O queue 1.
  Answer read(Nsid nsid, wire::LbaRange range, std::span<std::byte> into) {
    return read(nsid, range, into, Via{});
  }
  Answer write(Nsid nsid, wire::LbaRange range, std::span<const std::byte> from) {
    return write(nsid, range, from, Via{});
  }
  Answer compare(Nsid nsid, wire::LbaRange range, std::span<const std::byte> with) {
    return compare(nsid, range, with, Via{});
  }
  Answer flush(Nsid nsid) { return flush(nsid, Via{}); }
  Answer write_zeroes(Nsid nsid, wire::LbaRange range, bool deallocate = false) {
    return write_zeroes(nsid, range, deallocate, Via{});
  }
  Answer deallocate(Nsid nsid, std::span<const wire::DsmRange> ranges) {
    return deallocate(nsid, ranges, Via{});
  }

 private:
  std::unique_ptr<FakeConnection> open(Loop& loop);
  void replace(std::unique_ptr<FakeConnection>& place, Loop& loop);
  Answer send_connect(FakeConnection& connection, Qid qid, std::uint32_t entries);
  Answer wait_csts(bool (*reached)(const wire::Csts&));

  Loop& admin_loop_;
  Acceptor& acceptor_;
  std::move_only_function<bool()> turn_;
  Options options_;
  Cntlid cntlid_ = kDynamicController;
  std::unique_ptr<FakeConnection> admin_;
  std::vector<std::unique_ptr<FakeConnection>> io_;        // at qid - 1
  std::vector<std::unique_ptr<FakeConnection>> replaced_;  // not yet retired
};

}  // namespace weft::fabric
