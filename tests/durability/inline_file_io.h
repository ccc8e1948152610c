// File I/O for loops that a test turns: each operation runs in a turn of its loop, with the same calls to the
// file as elsewhere.
#pragma once

#include <map>
#include <memory>

#include "backends/fd/transfer.h"
#include "base/check.h"
#include "reactor/file_io.h"

namespace weft::durability {

class InlineFileIo final : public reactor::FileIo {
 public:
  explicit InlineFileIo(Loop& loop) : loop_(loop) {}
  void submit(reactor::FileOp& op) override {
    waiting_.push_back(op);
    if (!serve_.is_posted()) loop_.post(serve_);
  }

 private:
  void serve() {
    List<reactor::FileOp> now;
    now.swap(waiting_);
    while (!now.empty()) {
      reactor::FileOp& op = now.front();
      now.pop_front();
      WEFT_CHECK(op.kind == reactor::FileOp::Kind::read || op.kind == reactor::FileOp::Kind::write);
      op.error = op.kind == reactor::FileOp::Kind::read
                     ? backends::read_all(op.fd, op.offset_bytes, op.pieces)
                     : backends::write_all(op.fd, op.offset_bytes, op.pieces, op.dsync);
      op.done(op);
    }
  }

  Loop& loop_;
  List<reactor::FileOp> waiting_;
  MemberTask<InlineFileIo, &InlineFileIo::serve> serve_{*this};
};

class InlineFileIos final : public reactor::FileIos {
 public:
  explicit InlineFileIos(Loops& loops) {
    for (Loop* loop : loops.all()) each_[loop] = std::make_unique<InlineFileIo>(*loop);
  }
  reactor::FileIo& of(Loop& loop) override { return *each_.at(&loop); }

 private:
  std::map<Loop*, std::unique_ptr<InlineFileIo>> each_;
};

}  // namespace weft::durability
