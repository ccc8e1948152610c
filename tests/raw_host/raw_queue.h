// One queue over a RawConnection: command ids, data by R2T and C2HData, completions.  It keeps the host's
// rules and throws Failure when the controller breaks one of its own.  For one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "raw_host/raw_connection.h"

namespace weft::raw_host {

// The controller sent C2HTermReq.
struct Terminated : Closed {
  explicit Terminated(End how) : Closed(text(how)), end(std::move(how)) {}
  End end;
};

// The data of a command, and how the data pointer names it.
struct Transfer {
  Bytes out{};                // to the controller
  std::uint32_t in = 0;       // bytes that are expected at most
  bool in_capsule = false;    // `out` goes in the capsule
  bool keep_pointer = false;  // the SQE's data pointer stays as it is; in_capsule still says where `out` goes
};

struct Completion {
  wire::Cqe cqe{};
  Bytes data;
  bool by_success_flag = false;  // there was no CapsuleResp: C2HData said it
  unsigned r2ts = 0;
  std::uint64_t order = 0;  // among the completions of this queue, from 1

  wire::Status status() const { return cqe.decoded_status(); }
  bool ok() const { return status().ok(); }
  std::uint32_t dw0() const { return cqe.dw0(); }
};

class RawQueue {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;
    SocketOptions socket;
    wire::tcp::InitRequest init;
    bool sqflow_disabled = true;  // as Connect asks for: else C2HData must not say SUCCESS
    bool answer_r2ts = true;      // else they wait in r2ts_waiting()
    // Sizes of the H2CData PDUs that answer an R2T, again and again from the start; none: as large as
    // MAXH2CDATA allows.  What is left of the R2T, and MAXH2CDATA, bound each.
    std::vector<std::uint32_t> h2c_sizes;
  };

  // Connects, ICReq and ICResp.  The log outlives this.
  RawQueue(const Options& options, PduLog& log);

  // Sends a command; its id, which no other in flight has, is the answer.
  std::uint16_t submit(const wire::Sqe& sqe, Transfer transfer = {});
  Completion wait(std::uint16_t cid);  // takes PDUs until the command has completed
  Completion execute(const wire::Sqe& sqe, Transfer transfer = {}) {
    return wait(submit(sqe, std::move(transfer)));
  }
  bool is_completed(std::uint16_t cid) const { return completed_.contains(cid); }
  std::size_t in_flight() const { return commands_.size(); }

  // Takes one PDU and does what it asks for.  Throws Terminated, Closed, TimedOut.
  void receive_one();
  // Takes what comes within this time; false when it was nothing.
  bool receive_for(Timeout timeout);

  // R2Ts that wait for the test, by Options::answer_r2ts.
  std::deque<wire::tcp::R2t>& r2ts_waiting() { return r2ts_; }
  void answer(const wire::tcp::R2t& r2t);

  RawConnection& connection() { return connection_; }
  const wire::tcp::InitResponse& agreed() const { return agreed_; }

 private:
  struct Command {
    Transfer transfer;
    Bytes in;
    std::uint64_t granted = 0;  // bytes that R2Ts have asked for, in order
    unsigned outstanding_r2ts = 0;
    unsigned r2ts = 0;
    bool last_data_came = false;
  };
  using Commands = std::map<std::uint16_t, Command>;

  std::uint16_t free_cid();
  Commands::iterator find(std::uint16_t cid, const Pdu& pdu);
  void take_r2t(const Pdu& pdu);
  void take_data(const Pdu& pdu);
  void take_response(const Pdu& pdu);
  void complete(Commands::iterator command, const wire::Cqe& cqe, bool by_success_flag);

  const Options options_;
  RawConnection connection_;
  wire::tcp::InitResponse agreed_;
  std::uint16_t next_cid_ = 0;
  std::uint64_t completions_ = 0;
  Commands commands_;  // in flight
  std::map<std::uint16_t, Completion> completed_;
  std::deque<wire::tcp::R2t> r2ts_;
};

}  // namespace weft::raw_host
