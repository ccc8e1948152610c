// Takes what a connection receives apart into PDUs: header, header digest, padding, data, data digest.  Both
// ends of a connection have one.  It takes input only as far as somebody wants it, and no more of it in one
// turn of the loop than its limits say, so that a busy connection leaves room for its neighbours.
//
// Belongs to the loop of its stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/loop.h"
#include "net/stream.h"
#include "transports/tcp/counters.h"
#include "transports/tcp/digest.h"
#include "transports/tcp/options.h"
#include "transports/tcp/scatter.h"
#include "wire/tcp_pdu.h"

namespace weft::tcp {

class PduReader {
 public:
  class Owner {
   public:
    virtual bool is_reading() const = 0;                      // false: what comes is dropped
    virtual bool expects(wire::tcp::PduType type) const = 0;  // false: PDU Sequence Error
    // The header is there: see header_as() and shape().  The data that follows is dropped unless fill() or
    // hold() is called here.  False: not now; it is asked again after wake().
    virtual bool on_header() = 0;
    virtual void on_data_end(bool damaged) = 0;  // of data that was not dropped
    virtual void on_violation(wire::tcp::Violation violation) = 0;

   protected:
    ~Owner() = default;
  };

  PduReader(Owner& owner, Loop& loop, Counters& counters, const TurnLimits& limits,
            wire::tcp::Direction direction)
      : owner_(owner), loop_(loop), counters_(counters), limits_(limits), direction_(direction) {}
  PduReader(const PduReader&) = delete;
  PduReader& operator=(const PduReader&) = delete;

  // What ICReq and ICResp said; for the owner to change.
  wire::tcp::Negotiated agreed;

  void start(net::Stream& stream) { stream_ = &stream; }
  void stop() { stopped_ = true; }  // nothing more is taken: the stream is being closed
  void clear();                     // the stream has closed

  void received(net::Chunk chunk);
  void received_into();

  void wake();        // something that it is blocked by has changed
  void look_again();  // is_reading() has changed
  bool is_blocked() const { return blocked_; }

  const wire::tcp::PduShape& shape() const { return shape_; }
  template <class Pdu>
  Pdu header_as() const {
    return *wire::load<Pdu>(header_);
  }
  wire::tcp::PduType type() const { return static_cast<wire::tcp::PduType>(header_[0]); }
  std::span<const std::byte> header_so_far() const;  // for a TermReq

  // Of the data of the current PDU.
  void hold();                                   // stays unread until one of the others is called
  void fill(Scatter& into, std::uint32_t skip);  // goes there, but for `skip` bytes before
  void drop();

 private:
  enum class Phase : std::uint8_t { common, header, deliver, padding, data, digest };
  enum class Step : std::uint8_t {
    again,
    starved,  // there is no input
    blocked,  // until wake()
    resting,  // until the next turn
  };

  void run();
  void on_next_turn();
  void parse();
  void set_paused(bool paused);
  bool is_rested();
  Step step();
  std::span<const std::byte> available() const;
  void consume(std::size_t count);
  bool gather(std::size_t count);
  Step take_common_header();
  Step take_header();
  bool header_digest_matches();
  Step deliver();
  Step take_padding();
  Step take_data();
  Step take_data_piece();
  void data_arrived(std::span<const std::byte> bytes);
  Step take_data_digest();
  void next_pdu();
  bool wants_data() const { return into_ != nullptr || held_; }

  Owner& owner_;
  Loop& loop_;
  Counters& counters_;
  const TurnLimits& limits_;
  const wire::tcp::Direction direction_;
  net::Stream* stream_ = nullptr;

  std::vector<net::Chunk> input_;
  Phase phase_ = Phase::common;
  bool stopped_ = false;
  bool parsing_ = false;
  bool paused_ = false;
  bool receiving_into_ = false;
  bool blocked_ = false;  // the last step was; never while parsing
  bool damaged_ = false;  // the data digest was wrong
  bool held_ = false;
  std::byte header_[wire::tcp::kMaxHeaderSize + wire::tcp::kDigestSize];
  std::uint32_t gathered_ = 0;  // bytes of header_, or of the data digest
  wire::tcp::PduShape shape_;
  std::uint32_t left_ = 0;  // of the padding or the data
  std::uint32_t skip_ = 0;
  Scatter* into_ = nullptr;
  std::span<std::byte> direct_;  // where receive_into puts it
  Digest digest_;
  Time turn_{};                   // of the budget below
  std::uint32_t turn_bytes_ = 0;  // taken in it
  std::uint32_t turn_pdus_ = 0;
  MemberTask<PduReader, &PduReader::run> parser_{*this};
  MemberTask<PduReader, &PduReader::on_next_turn> next_turn_{*this};
};

}  // namespace weft::tcp
