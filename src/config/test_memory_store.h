// A store whose disk the test moves: what was put and erased is pending until it is flushed.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "config/document_rows.h"
#include "config/pending_rows.h"
#include "config/store.h"

namespace weft::config {

class MemoryStore final : public Store {
 public:
  void when_durable(Answer answer) override {
    {
      const std::scoped_lock lock(mutex_);
      if (holds_) return waiting_.push_back(std::move(answer));
    }
    flush();
    answer({});
  }

  void hold() {
    const std::scoped_lock lock(mutex_);
    holds_ = true;
  }
  std::size_t waiting() const {
    const std::scoped_lock lock(mutex_);
    return waiting_.size();
  }
  // Who waits is told this.
  void release(const Result<>& result) {
    if (result) flush();
    std::vector<Answer> waiting;
    {
      const std::scoped_lock lock(mutex_);
      holds_ = false;
      waiting.swap(waiting_);
    }
    for (auto& answer : waiting) answer(result);
  }
  // What is on the disk now that all was written.
  Rows flush() {
    const std::scoped_lock lock(mutex_);
    const PendingRows pending = std::exchange(pending_, {});
    for (const auto& [path, row] : pending.rows()) {
      if (row.erases_below)
        std::erase_if(rows_, [&](const auto& each) {
          return each.first == path || each.first.starts_with(path + "/");
        });
      if (row.value) rows_[path] = *row.value;
    }
    return rows_;
  }

  void clear() {
    const std::scoped_lock lock(mutex_);
    pending_ = {};
    rows_.clear();
  }

 private:
  void put_row(const std::string& path, std::string value) override {
    const std::scoped_lock lock(mutex_);
    pending_.put(path, std::move(value));
  }
  void erase_row(const std::string& path) override {
    const std::scoped_lock lock(mutex_);
    pending_.erase(path);
  }

  mutable std::mutex mutex_;
  PendingRows pending_;
  Rows rows_;
  std::vector<Answer> waiting_;
  bool holds_ = false;
};

}  // namespace weft::config
