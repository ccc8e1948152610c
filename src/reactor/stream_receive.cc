#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "reactor/kernel.h"
#include "reactor/socket_stream.h"

namespace weft::reactor {

void SocketStream::pause() {
  if (paused_ || state_ != State::open) return;
  paused_ = true;
  if (end_) schedule_pump();
  reactor_.flush_later(*this);
}

void SocketStream::resume() {
  if (!paused_ || state_ != State::open) return;
  paused_ = false;
  if (has_kept()) schedule_pump();
  reactor_.flush_later(*this);
}

void SocketStream::receive_into(std::span<std::byte> into) {
  WEFT_CHECK(!into_wanted_, "one receive_into at a time");
  if (state_ != State::open) return;
  into_wanted_ = true;
  into_ = into;
  if (has_kept() || into.empty()) schedule_pump();
  reactor_.flush_later(*this);
}

// What should be in flight now.
SocketStream::Receive SocketStream::wanted() const {
  if (state_ == State::flushing)
    return end_ ? Receive::idle : Receive::multishot;  // read to let the peer end
  if (state_ != State::open || end_) return Receive::idle;
  if (into_wanted_) return into_.size() >= kDirectBytes ? Receive::direct : Receive::multishot;
  return paused_ ? Receive::idle : Receive::multishot;
}

void SocketStream::flush_receive() {
  if (pump_.is_posted() && state_ == State::open) return;  // what was kept goes first; pump() comes back here
  const Receive want = wanted();
  if (receive_ == Receive::multishot && want != Receive::multishot && !cancelling_) {
    cancelling_ = true;
    reactor_.ring().cancel(received_);
  }
  if (receive_ != Receive::idle) return;
  if (want == Receive::multishot) arm_multishot();
  if (want == Receive::direct) arm_direct();
  if (want == Receive::idle && state_ == State::open && !end_ && !polling_) arm_poll();
}

void SocketStream::arm_multishot() {
  receive_ = Receive::multishot;
  io_uring_sqe& sqe = reactor_.ring().next(&received_);
  io_uring_prep_recv_multishot(&sqe, socket_.get(), nullptr, 0, 0);
  use_slot(sqe, entry_.slot());
  sqe.flags |= IOSQE_BUFFER_SELECT;
  sqe.buf_group = RecvBuffers::kGroup;
}

void SocketStream::arm_direct() {
  receive_ = Receive::direct;
  io_uring_sqe& sqe = reactor_.ring().next(&received_);
  io_uring_prep_recv(&sqe, socket_.get(), into_.data(), into_.size(), MSG_WAITALL);
  use_slot(sqe, entry_.slot());
}

void SocketStream::arm_poll() {
  polling_ = true;
  io_uring_sqe& sqe = reactor_.ring().next(&poll_);
  io_uring_prep_poll_add(&sqe, socket_.get(), POLLRDHUP);
  use_slot(sqe, entry_.slot());
}

void SocketStream::on_received(int result, std::uint32_t flags) {
  const Receive was = receive_;
  if ((flags & IORING_CQE_F_MORE) == 0) {
    receive_ = Receive::idle;
    cancelling_ = false;
    reactor_.flush_later(*this);
  }
  net::Chunk chunk;
  if ((flags & IORING_CQE_F_BUFFER) != 0)
    chunk = reactor_.recv_buffers().chunk(flags, static_cast<std::size_t>(std::max(result, 0)));
  if (result == -ENOBUFS) {
    receive_ = Receive::starved;
    return reactor_.recv_buffers().wait(*this);
  }
  if (state_ != State::open) return on_received_while_closing(result);
  if (result > 0) return was == Receive::direct ? on_received_direct(result) : take(std::move(chunk));
  if (result == -ECANCELED || result == -EINTR || result == -EAGAIN) return;  // flush() asks again if wanted
  note_end(-result);
}

void SocketStream::on_received_while_closing(int result) {
  const bool goes_on = result > 0 || result == -ECANCELED || result == -EINTR || result == -EAGAIN;
  if (!goes_on && !end_) end_ = -result;
  schedule_pump();
}

void SocketStream::on_received_direct(int result) {
  if (end_reported_) return;
  into_ = into_.subspan(static_cast<std::size_t>(result));
  if (into_.empty()) finish_into();
}

void SocketStream::on_buffers_back() {
  receive_ = Receive::idle;
  reactor_.flush_later(*this);
  if (state_ != State::open) schedule_pump();
}

void SocketStream::take(net::Chunk chunk) {
  if (end_reported_) return;
  if (has_kept() || !deliver(chunk)) kept_.push_back(std::move(chunk));
}

bool SocketStream::deliver(net::Chunk& chunk) {
  while (!chunk.empty() && state_ == State::open) {
    if (into_wanted_) {
      const std::size_t count = std::min(chunk.bytes().size(), into_.size());
      std::memcpy(into_.data(), chunk.bytes().data(), count);
      into_ = into_.subspan(count);
      chunk.skip(count);
      if (into_.empty()) finish_into();
    } else if (paused_) {
      return false;
    } else {
      handler_.on_received(std::move(chunk));
      return true;
    }
  }
  return true;
}

void SocketStream::finish_into() {
  into_wanted_ = false;
  handler_.on_received_into();
}

void SocketStream::deliver_kept() {
  while (has_kept() && deliver(kept_[kept_first_])) kept_[kept_first_++] = net::Chunk();
  if (has_kept()) return;
  kept_.clear();
  kept_first_ = 0;
}

void SocketStream::on_poll(int, std::uint32_t) {
  polling_ = false;
  if (state_ != State::open) return schedule_pump();
  reactor_.flush_later(*this);
  // Where something receives, or is about to, that meets the end behind the bytes before it.
  if (receive_ != Receive::idle || wanted() != Receive::idle || end_) return;
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  note_end(error);
}

void SocketStream::note_end(int error) {
  if (end_) return;
  end_ = error;
  if (!has_kept() || paused_) return report_end();
  schedule_pump();  // what came before the end goes first
}

void SocketStream::report_end() {
  if (!end_ || end_reported_ || state_ != State::open) return;
  end_reported_ = true;
  handler_.on_ended(*end_);
}

}  // namespace weft::reactor
