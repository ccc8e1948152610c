// Answers that a channel gives itself, in a later turn: Channel::submit never completes inside the call.
#pragma once

#include "base/loop.h"
#include "block/request.h"

namespace weft::block {

// Belongs to one channel and its loop.
class Completions {
 public:
  explicit Completions(Loop& loop) : loop_(loop) {}

  void add(Request& request, int error) {
    request.error = error;
    ready_.push_back(request);
    if (!deliver_.is_posted()) loop_.post(deliver_);
  }

 private:
  void deliver() {
    List<Request> now;  // the last answer may destroy the channel, and this with it
    now.swap(ready_);
    while (!now.empty()) {
      Request& request = now.front();
      now.pop_front();
      request.done(request);
    }
  }

  Loop& loop_;
  List<Request> ready_;
  MemberTask<Completions, &Completions::deliver> deliver_{*this};
};

}  // namespace weft::block
