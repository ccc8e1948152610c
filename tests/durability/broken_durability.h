// A backend that lies about durability, to prove that the witness would see it.
#pragma once

#include <memory>

#include "block/completions.h"
#include "block/filter.h"

namespace weft::durability {

enum class Flaw {
  none,
  no_flush,  // answers flushes without passing them on
  no_fua,    // forgets that a write was to be durable
};

class BrokenBackend final : public block::FilterBackend {
 public:
  BrokenBackend(std::shared_ptr<block::Backend> below, Flaw flaw)
      : FilterBackend(std::move(below)), flaw_(flaw) {}
  std::unique_ptr<block::Channel> open_channel(Loop& loop) override {
    return std::make_unique<BrokenChannel>(loop, lower(), flaw_);
  }

 private:
  class BrokenChannel final : public block::FilterChannel<block::ChildRequest> {
   public:
    BrokenChannel(Loop& loop, block::Backend& below, Flaw flaw)
        : FilterChannel(loop, below), flaw_(flaw), answers_(loop) {}
    void submit(block::Request& request) override {
      if (flaw_ == Flaw::no_flush && request.op == block::Op::flush) return answers_.add(request, 0);
      block::ChildRequest& child = adopt(request);
      if (flaw_ == Flaw::no_fua) child.fua = false;
      pass_down(child);
    }

   private:
    const Flaw flaw_;
    block::Completions answers_;
  };

  const Flaw flaw_;
};

}  // namespace weft::durability
