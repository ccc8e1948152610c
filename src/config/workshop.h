// What the objects of the configuration share: where identities are kept and things are told, and the threads
// on which backends open, are looked at and close.
#pragma once

#include <memory>
#include <mutex>
#include <shared_mutex>

#include "config/backend_keeper.h"
#include "config/crew.h"
#include "config/goings_on.h"
#include "config/journal.h"
#include "config/state_store.h"
#include "config/store.h"

namespace weft::config {

// Shared with calls that hang: what they find when they come back.
class Workshop {
 public:
  Workshop(StateStore& state, Store& store, Journal& journal);

  BackendKeeper keeper;
  Crew openers;
  Crew refreshers;
  Crew workers;  // changes that wait for something of their own subsystem
  const std::shared_ptr<GoingsOn> goings_on = std::make_shared<GoingsOn>();

  StateStore& state() { return state_; }
  Store& store() { return store_; }
  Journal& journal() { return journal_; }

  // A call that has come back holds this while it uses the rest; false when the configuration has gone
  // meanwhile.
  class Visit {
   public:
    explicit Visit(Workshop& workshop) : lock_(workshop.mutex_), open_(!workshop.over_) {}
    explicit operator bool() const { return open_; }

   private:
    std::shared_lock<std::shared_mutex> lock_;
    bool open_;
  };
  void end();

 private:
  StateStore& state_;
  Store& store_;
  Journal& journal_;
  std::shared_mutex mutex_;
  bool over_ = false;
};

}  // namespace weft::config
