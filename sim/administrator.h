// Somebody who makes and deletes tenants: their backends, subsystems, hosts, namespaces and ports, in any
// order that is allowed, and knows what must be there.  What was answered is there after a crash; what was
// under way is there as a whole or not at all.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/hands.h"
#include "sim/world.h"

namespace weft::sim {

std::string guestnqn_of(unsigned guest);  // a host that tenants list

class Administrator {
 public:
  // Makes so many changes of tenants that nobody else touches.
  Administrator(World& world, unsigned index, unsigned changes);

  // On a thread of the process, which may end with it at any moment; then again on one of the next.
  void work(Hands hands);
  // After a start: what the tree must say.
  void find_what_is_left(const Hands& hands);

  bool is_done() const { return left_ == 0; }
  // Of its subsystems those that the first guest may use at the port which all hosts use.
  std::set<std::string> shown_to_guest() const;
  const std::string& violation() const { return violation_; }  // empty: nothing so far

 private:
  using Facts = std::map<std::string, std::string>;  // by path, as Hands::look has it
  struct Change {
    std::string what;  // for people
    std::function<Result<>(Hands&)> make;
    std::map<std::string, std::optional<std::string>> effect;  // by path; empty: it goes, with all below
  };
  class Choices;
  std::vector<Change> choices(unsigned tenant) const;
  void make(Hands& hands, Change change);
  void verify(const Hands& hands);
  bool has(const std::string& path) const { return facts_.contains(path); }
  bool is(const std::string& path, const std::string& value) const {
    return has(path) && facts_.at(path) == value;
  }
  static void apply(Facts& facts, const Change& change);
  // Where the tree says otherwise; empty: nowhere.
  std::string difference(const Hands& hands, const Facts& facts) const;
  void found(const std::string& what);

  World& world_;
  const std::string name_;
  const unsigned index_;
  unsigned left_;
  Facts facts_;                       // in force
  Facts kept_;                        // the last of them that is known to be durable
  std::vector<Change> uncertain_;     // what came since, in order; the last one may be under way
  std::map<std::string, bool> seen_;  // every path that ever was
  std::string violation_;
};

}  // namespace weft::sim
