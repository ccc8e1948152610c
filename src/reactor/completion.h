// What is told when an operation of a ring completes.
#pragma once

#include <cstdint>

namespace weft::reactor {

// What runs when an operation completes.  The owner embeds it, one for each operation in flight, and keeps it
// until the last completion came.
class Completion {
 public:
  using Function = void (*)(Completion&, int result, std::uint32_t flags) noexcept;
  explicit Completion(Function function) : function_(function) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  void run(int result, std::uint32_t flags) noexcept { function_(*this, result, flags); }

 private:
  Function function_;
};

// Calls a member function:  MemberCompletion<Thing, &Thing::on_sent> sent_{*this};
template <class Owner, void (Owner::*kMember)(int result, std::uint32_t flags)>
class MemberCompletion : public Completion {
 public:
  explicit MemberCompletion(Owner& owner) : Completion(&MemberCompletion::invoke), owner_(owner) {}

 private:
  static void invoke(Completion& completion, int result, std::uint32_t flags) noexcept {
    (static_cast<MemberCompletion&>(completion).owner_.*kMember)(result, flags);
  }
  Owner& owner_;
};

}  // namespace weft::reactor
