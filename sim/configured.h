// The configuration of the target's process, as weftd has it: its model with the store, the state folder and
// the tree, on threads of the process.  At the first start the tree makes the disk that hosts work on.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/configuration.h"
#include "config/model_tree.h"
#include "config/sqlite_store.h"
#include "sim/hands.h"
#include "sim/world.h"

namespace weft::sim {

class Configured final : private config::Journal {
 public:
  struct Options {
    SimLoops& loops;
    target::Target& target;
    fabric::Transport& transport;
    std::string database;
    std::shared_ptr<block::Backend> disk;  // the backend "sim_0/main"
    std::vector<std::string> hosts;        // of the disk
  };
  Configured(World& world, Options options);
  ~Configured();

  // Null: there is none yet.
  std::shared_ptr<target::Subsystem> subsystem() const;
  bool is_ready() const { return is_ready_; }
  // Does it on a thread of the process.
  void with_hands(std::function<void(Hands)> work);
  // Takes all down, on a thread of the process.
  void close();
  bool is_closed() const { return is_closed_; }
  const std::string& violation() const { return violation_; }

 private:
  void problem(std::string_view path, std::string_view reason) override;
  void note(std::string_view path, std::string_view what) override;
  void listening(std::string_view port) override;
  void live();
  Result<> load();
  void make_disk();
  void found(const std::string& what);

  World& world_;
  const Options options_;
  const std::vector<block::Plugin> plugins_;
  fabric::Transport* const transports_[1];
  config::StateStore state_;
  std::unique_ptr<config::SqliteStore> store_;
  std::unique_ptr<config::Configuration> configuration_;
  std::unique_ptr<config::ModelTree> tree_;
  bool is_ready_ = false;
  bool is_closed_ = false;
  std::string violation_;
};

}  // namespace weft::sim
