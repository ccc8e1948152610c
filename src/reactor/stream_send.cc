#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "reactor/socket_stream.h"

namespace weft::reactor {

std::unique_ptr<net::Stream> Reactor::adopt(std::unique_ptr<net::Accepted> connection,
                                            net::StreamHandler& handler) {
  WEFT_CHECK(is_here());
  auto* const socket = dynamic_cast<SocketConnection*>(connection.get());
  WEFT_CHECK(socket != nullptr, "a reactor adopts what a reactor accepted or connected");
  return std::make_unique<SocketStream>(*this, *socket, handler);
}

SocketStream::SocketStream(Reactor& reactor, SocketConnection& connection, net::StreamHandler& handler)
    : reactor_(reactor),
      socket_(connection.take_socket()),
      entry_(reactor, socket_.get()),
      local_(connection.local()),
      peer_(connection.peer()),
      handler_(handler) {
  reactor_.flush_later(*this);
}

SocketStream::~SocketStream() {
  WEFT_CHECK(state_ == State::closed, "a stream is destroyed after on_closed");
}

void SocketStream::flush() {
  flush_send();
  flush_receive();
}

void SocketStream::pump() {
  if (state_ != State::open) return advance_close();
  if (into_wanted_ && into_.empty()) finish_into();
  if (!end_reported_) deliver_kept();
  if (send_error_ != 0) fail_sends(send_error_);
  if (end_ && (!has_kept() || paused_)) report_end();
  if (state_ == State::open) reactor_.flush_later(*this);
}

void SocketStream::send(net::SendOp& op) {
  sends_.push_back(op);
  if (send_error_ != 0 || state_ == State::aborting) return schedule_pump();
  reactor_.flush_later(*this);
}

void SocketStream::flush_send() {
  if (batch_ != nullptr || sends_.empty() || send_error_ != 0 || state_ > State::flushing) return;
  batch_ = &reactor_.send_batches().take();
  std::size_t count = 0;
  std::size_t piece = first_piece_;
  std::size_t offset = first_offset_;
  for (net::SendOp& op : sends_) {
    for (; piece < op.pieces.size() && count < SendBatch::kMostPieces; ++piece) {
      const iovec& from = op.pieces[piece];
      batch_->pieces[count++] = {static_cast<std::byte*>(from.iov_base) + offset, from.iov_len - offset};
      offset = 0;
    }
    if (count == SendBatch::kMostPieces) break;
    piece = 0;
  }
  batch_->header.msg_iov = batch_->pieces;
  batch_->header.msg_iovlen = count;
  io_uring_sqe& sqe = reactor_.ring().next(&sent_);
  io_uring_prep_sendmsg(&sqe, socket_.get(), &batch_->header, MSG_NOSIGNAL | MSG_WAITALL);
  use_slot(sqe, entry_.slot());
}

void SocketStream::on_sent(int result, std::uint32_t) {
  reactor_.send_batches().give_back(*std::exchange(batch_, nullptr));
  if (result >= 0) {
    acknowledge(static_cast<std::size_t>(result));
  } else if (result != -EAGAIN && result != -EINTR && state_ != State::aborting) {
    send_error_ = -result;
  }
  if (state_ != State::open) return schedule_pump();
  reactor_.flush_later(*this);
  if (send_error_ == 0) return;
  fail_sends(send_error_);
  note_end(send_error_);
}

void SocketStream::acknowledge(std::size_t bytes) {
  while (!sends_.empty()) {
    net::SendOp& op = sends_.front();
    for (; first_piece_ < op.pieces.size(); ++first_piece_) {
      const std::size_t left = op.pieces[first_piece_].iov_len - first_offset_;
      if (left > bytes) {
        first_offset_ += bytes;
        return;
      }
      bytes -= left;
      first_offset_ = 0;
    }
    first_piece_ = 0;
    sends_.pop_front();
    op.done(op, 0);
  }
}

void SocketStream::fail_sends(int error) {
  first_piece_ = 0;
  first_offset_ = 0;
  while (!sends_.empty()) {
    net::SendOp& op = sends_.front();
    sends_.pop_front();
    op.done(op, error);
  }
}

void SocketStream::close(CloseMode mode) {
  if (state_ != State::open) return;
  if (mode == CloseMode::flushing && send_error_ == 0) {
    state_ = State::flushing;
    reactor_.arm(flush_time_, kFlushTime);
    reactor_.flush_later(*this);
  } else {
    abort();
  }
  schedule_pump();
}

void SocketStream::on_flush_time_over() {
  abort();
  schedule_pump();
}

// Everything in flight comes to its end now.
void SocketStream::abort() {
  state_ = State::aborting;
  ::shutdown(socket_.get(), SHUT_RDWR);
  if (!in_flight()) return;
  io_uring_sqe& sqe = reactor_.ring().next(nullptr);
  if (entry_.slot() == kNoSlot)
    io_uring_prep_cancel_fd(&sqe, socket_.get(), IORING_ASYNC_CANCEL_ALL);
  else
    io_uring_prep_cancel_fd(&sqe, entry_.slot(), IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD_FIXED);
}

void SocketStream::advance_close() {
  if (state_ == State::flushing) {
    if (send_error_ != 0) {
      abort();
    } else if (sends_.empty() && batch_ == nullptr) {
      // What the peer may still send is read: unread bytes would reset the connection, and lose what was
      // sent.
      if (end_) {
        abort();
      } else if (!std::exchange(sending_ended_, true)) {
        ::shutdown(socket_.get(), SHUT_WR);
      }
    }
  }
  if (state_ == State::aborting && !in_flight()) finish_close();
}

void SocketStream::finish_close() {
  reactor_.cancel(flush_time_);
  reactor_.recv_buffers().forget(*this);
  kept_.clear();
  fail_sends(ECANCELED);
  reactor_.flush_never(*this);
  entry_.leave();
  socket_.reset();
  state_ = State::closed;
  handler_.on_closed();  // the last: this may be gone now
}

}  // namespace weft::reactor
