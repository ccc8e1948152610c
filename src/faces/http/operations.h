// Requests that go on: whoever asked is told a number and asks again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/loop.h"
#include "faces/http/route.h"

namespace weft::faces {

struct OperationLimits {
  std::size_t going_on = 4096;  // changes at once
  std::size_t finished = 1024;  // that are remembered
  Duration memory = std::chrono::minutes(10);
};

// Any thread.
class Operations {
 public:
  class Operation;

  explicit Operations(OperationLimits limits = {});
  ~Operations();
  Operations(const Operations&) = delete;
  Operations& operator=(const Operations&) = delete;

  // EAGAIN: too many changes go on; nothing was begun.
  Result<std::shared_ptr<Operation>> begin(std::string request, bool changes);
  // Its answer when it comes in time; else 202, and the operation is found here from then on.
  Reply await(const std::shared_ptr<Operation>& operation, Duration patience);

  Reply find(std::string_view id);  // 404
  Reply list();

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

// Outlives `Operations` where its answer is still owed.
class Operations::Operation {
 public:
  Operation(std::shared_ptr<State> state, std::string id, std::string request, bool changes);
  ~Operation();
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  void finish(Reply reply);  // once

 private:
  friend class Operations;
  bool wait(Duration patience);
  bool is_finished() const;
  nlohmann::ordered_json describe() const;

  const std::shared_ptr<State> state_;
  const std::string id_;
  const std::string request_;
  const bool changes_;
  const std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  std::condition_variable done_;
  std::optional<Reply> reply_;
  std::chrono::steady_clock::time_point finished_;
};

}  // namespace weft::faces
