// The configuration of a process: all backends, subsystems with their hosts, namespaces and ports, and the
// discovery service.  Documents change it by their difference (change.h), the tree object by object, and what
// either made comes back from the store.
//
// One bad item is reported to the journal and does not stop the rest.  A backend that hangs in open holds up
// nobody: it is reported, and its namespaces come when it is there.  No call waits longer than the patience
// for backends, and none runs on a loop.  Each backend and each subsystem has its own lock; no lock covers
// two of them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "config/change.h"
#include "config/document.h"
#include "config/document_rows.h"
#include "config/model.h"

namespace weft::config {

struct Restored {
  std::vector<Problem> problems;  // by item; all others are there
  Result<> kept;                  // an error: what is in force now is not on the disk yet
};

// Not on a loop.  Load, apply and close one at a time; the rest from any thread.
class Configuration {
 public:
  Configuration(Parts parts, Patience patience);
  ~Configuration();  // after close
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;

  // What a configuration file says.  It owns what it names: what the one before named and this one does not
  // goes, and what else there is stays.  What failed before is tried again.  The number of problems.
  std::size_t apply(const Document& next);
  // What the store held, once, before all else and before the store is told of changes.  The number of
  // problems; rows that have one are left in the store.
  std::size_t load(Rows rows);

  // All of it, or with an NQN one tenant: nothing when there is none.
  std::optional<Document> save(const std::string& nqn = "") const;
  // In place of all that is there, or of the document's tenants and devices alone.  Durable when it returns.
  Restored restore(const Document& document);
  Restored restore_tenants(const Document& document);

  // Looks at the sizes of all backends now, behind the caller's back.
  void refresh();

  Model& model() { return model_; }
  std::vector<std::string> listening() const { return model_.listeners().listening(); }  // tcp:127.0.0.1:4420
  std::vector<std::shared_ptr<block::Backend>> backends() const;  // those that are open
  std::vector<std::string> opening() const;                       // those that are not there yet

  void close_listeners() { model_.listeners().close(); }
  // Takes down all the rest.  False: nothing more has gone for `patience`, and the loops, the plugins and
  // what they use must stay in memory.
  bool close(Duration patience);

 private:
  std::vector<Problem> change(const Document& before, const Document& next);
  void tell(const std::vector<Problem>& problems);
  Restored restored(std::vector<Problem> problems);
  void sweep();

  const Parts parts_;
  const Patience patience_;
  Model model_;
  Document applied_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::thread sweeper_;
};

}  // namespace weft::config
