// One byte stream between two processes, and its two ends.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "sim/network.h"

namespace weft::sim {

class SimStream;

// What one loop has lent to its handlers.
class Lender final : public net::Chunk::Lender {
 public:
  ~Lender();
  net::Chunk lend(std::vector<std::byte> bytes);

 private:
  void give_back(std::uint32_t token) override;
  std::unordered_map<std::uint32_t, std::vector<std::byte>> lent_;
  std::uint32_t next_ = 0;
};

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  struct End {
    SimNetworks* process = nullptr;
    net::Address address;
    SimStream* stream = nullptr;               // while it exists
    std::deque<std::byte> arrived;             // not yet given to the handler
    std::optional<int> end;                    // behind that
    std::size_t room = 0;                      // what its socket still takes
    Time last_arrival{};                       // of what it has sent: bytes do not overtake each other
    std::vector<std::vector<std::byte>> held;  // by a link that is cut
    std::optional<int> held_end;
    bool is_gone = false;  // nothing leaves or arrives any more
    bool lost_power = false;
    Time ended_at = Time::max();  // when it knew
    std::size_t sent = 0;
  };

  Connection(Internet& internet, SimNetworks& from, net::Address from_address, SimNetworks& to,
             net::Address to_address);
  End& end(int side) { return ends_[side]; }
  Internet& internet() { return internet_; }

  void send(int side, std::vector<std::byte> bytes);
  void finish(int side, int error);  // no more comes from there: 0 in order, else a reset
  void reset(int tells);             // a bit for each side that hears of it
  void joined();
  void died(const SimNetworks& process, bool tells);
  void has_power_again(const std::string& host);
  void damage_next() { damages_next_ = true; }
  Time made_at() const { return made_at_; }
  // Neither end has heard of an end.
  bool is_whole() const { return is_open() && !ends_[0].end && !ends_[1].end; }
  bool is_open() const { return !ends_[0].is_gone && !ends_[1].is_gone; }

 private:
  friend class SimStream;
  bool is_cut() const;
  Duration arrival(int side);
  void arrive(int side, std::vector<std::byte> bytes);
  void arrive_end(int side, int error);

  void damage(std::vector<std::byte>& bytes, std::size_t sent_before);

  void set_end(End& of, int error);
  void set_gone(End& of);
  void know_end(End& of);

  Internet& internet_;
  const Time made_at_;
  End ends_[2];
  bool damages_next_ = false;
};

class SimStream final : public net::Stream {
 public:
  SimStream(Loop& loop, Lender& lender, std::shared_ptr<Connection> connection, int side,
            net::StreamHandler& handler);
  ~SimStream() override;

  void send(net::SendOp& op) override;
  void pause() override { paused_ = true; }
  void resume() override;
  void receive_into(std::span<std::byte> into) override;
  void close(CloseMode mode) override;
  const net::Address& local() const override { return own().address; }
  const net::Address& peer() const override { return connection_->end(1 - side_).address; }
  Loop& loop() override { return loop_; }

  void wake();  // something has arrived, or there is room

 private:
  Connection::End& own() { return connection_->end(side_); }
  const Connection::End& own() const { return connection_->end(side_); }
  void flush();
  void work();
  void tell_sent();
  void deliver();
  std::vector<std::byte> take(std::size_t count);
  void drop_sends();
  void finish();
  void on_time_over() { finish(); }

  Loop& loop_;
  Lender& lender_;
  const std::shared_ptr<Connection> connection_;
  const int side_;
  net::StreamHandler& handler_;
  List<net::SendOp> sends_;
  std::size_t sent_of_first_ = 0;
  List<net::SendOp> sent_;  // to be told so
  std::optional<std::span<std::byte>> into_;
  bool paused_ = false;
  bool end_told_ = false;
  bool closing_ = false;
  bool finished_ = false;
  bool closed_ = false;
  MemberTask<SimStream, &SimStream::flush> flush_{*this};
  MemberTask<SimStream, &SimStream::work> work_{*this};
  MemberTimer<SimStream, &SimStream::on_time_over> time_{*this};
};

}  // namespace weft::sim
