// A tree in memory for tests of faces.  Every directory that is made brings attributes and a directory along.
// Changes of names with "slow" in them, and writes of "slow", wait until the test lets them go on.
#pragma once

#include <cerrno>
#include <condition_variable>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "config/test_gate.h"
#include "config/tree.h"

namespace weft::config {

class TestTree final : public Tree {
 public:
  TestTree() { nodes_[""] = {.info = {.writable = true, .changed = kThen}}; }

  // --- for the test
  void add_directory(const std::string& path, bool writable) {
    const std::scoped_lock lock(mutex_);
    nodes_[path] = {.info = {.writable = writable, .changed = kThen}};
  }
  void add_attribute(const std::string& path, bool readable, bool writable, std::string value = {}) {
    const std::scoped_lock lock(mutex_);
    put_attribute(path, readable, writable, std::move(value));
  }
  void remove(const std::string& path) {  // as if by another face
    const std::scoped_lock lock(mutex_);
    erase(path);
  }
  std::string value(const std::string& path) const {
    const std::scoped_lock lock(mutex_);
    const auto found = nodes_.find(path);
    return found == nodes_.end() ? "(gone)" : found->second.text;
  }
  std::vector<std::string> writes() const {  // each value as it came
    const std::scoped_lock lock(mutex_);
    return writes_;
  }
  std::vector<std::string> take_asked() {  // the paths that `info` was called with since the last time
    const std::scoped_lock lock(mutex_);
    return std::exchange(asked_, {});
  }
  bool wait_for_held(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kTestPatience, [&] { return held_.size() >= count; });
  }
  // On the caller's thread, in the order that they came; all, or the first.
  void release(const Result<>& result = {}, bool only_first = false) {
    std::vector<Held> released;
    {
      const std::scoped_lock lock(mutex_);
      const auto end = only_first && !held_.empty() ? held_.begin() + 1 : held_.end();
      released.assign(std::move_iterator(held_.begin()), std::move_iterator(end));
      held_.erase(held_.begin(), end);
    }
    for (Held& one : released) one.answer(result ? one.change() : result);
  }

  // --- Tree
  Result<NodeInfo> info(std::string_view path) const override {
    const std::scoped_lock lock(mutex_);
    asked_.emplace_back(path);
    const auto found = nodes_.find(path);
    if (found == nodes_.end()) return missing();
    return found->second.info;
  }
  Result<std::vector<NodeEntry>> list(std::string_view path) const override {
    const std::scoped_lock lock(mutex_);
    if (!nodes_.contains(path)) return missing();
    std::vector<NodeEntry> entries;
    const std::string before = path.empty() ? "" : std::string(path) + "/";
    for (auto it = nodes_.upper_bound(before); it != nodes_.end() && it->first.starts_with(before); ++it)
      if (const std::string name = it->first.substr(before.size()); !name.contains('/'))
        entries.push_back({.name = name, .kind = it->second.info.kind});
    return entries;
  }
  Result<std::string> read(std::string_view path) const override {
    const std::scoped_lock lock(mutex_);
    const auto found = nodes_.find(path);
    if (found == nodes_.end()) return missing();
    return found->second.text;
  }
  Result<std::string> read_link(std::string_view path) const override { return read(path); }

  void make_directory(std::string_view path, Answer answer) override {
    change(path.contains("slow"), std::move(answer), [this, path = std::string(path)]() -> Result<> {
      const std::scoped_lock lock(mutex_);
      if (nodes_.contains(path)) return fail(EEXIST, path + ": it exists");
      if (path.ends_with("forbidden")) return fail(EINVAL, path + ": not a name");
      const auto now = std::chrono::system_clock::now();
      nodes_[path] = {.info = {.writable = true, .changed = now}};
      nodes_[path + "/hosts"] = {.info = {.writable = true, .changed = now}};
      put_attribute(path + "/attr_serial", true, true, "0123456789");
      put_attribute(path + "/enable", true, true, "0");
      put_attribute(path + "/last_error", true, false, "");
      put_attribute(path + "/revalidate_size", false, true, "");
      for (auto& [name, node] : nodes_)
        if (name.starts_with(path + "/")) node.info.fixed = true;
      return {};
    });
  }
  void remove_directory(std::string_view path, Answer answer) override {
    change(path.contains("slow"), std::move(answer), [this, path = std::string(path)]() -> Result<> {
      const std::scoped_lock lock(mutex_);
      if (!nodes_.contains(path)) return missing();
      erase(path);
      return {};
    });
  }
  void make_link(std::string_view path, std::string_view target, Answer answer) override {
    change(path.contains("slow"), std::move(answer),
           [this, path = std::string(path), target = std::string(target)]() -> Result<> {
             const std::scoped_lock lock(mutex_);
             nodes_[path] = {.info = {.kind = NodeKind::link, .changed = kThen}, .text = target};
             return {};
           });
  }
  void remove_link(std::string_view path, Answer answer) override {
    remove_directory(path, std::move(answer));
  }
  void write(std::string_view path, std::string_view value, Answer answer) override {
    {
      const std::scoped_lock lock(mutex_);
      writes_.emplace_back(value);
    }
    if (value.ends_with('\n')) value.remove_suffix(1);
    change(value == "slow", std::move(answer),
           [this, path = std::string(path), value = std::string(value)]() -> Result<> {
             const std::scoped_lock lock(mutex_);
             if (value == "refused") return fail(EBUSY, path + ": it is in use");
             const auto found = nodes_.find(path);
             if (found == nodes_.end()) return missing();
             found->second.text = value;
             return {};
           });
  }

  static constexpr std::chrono::system_clock::time_point kThen{std::chrono::seconds{1'700'000'000}};

 private:
  struct Node {
    NodeInfo info;
    std::string text;  // the value, the target
  };
  struct Held {
    std::move_only_function<Result<>()> change;
    Answer answer;
  };

  static std::unexpected<Error> missing() { return fail(ENOENT, "it is not there"); }

  void put_attribute(const std::string& path, bool readable, bool writable, std::string value) {
    nodes_[path] = {
        .info = {.kind = NodeKind::attribute, .readable = readable, .writable = writable, .changed = kThen},
        .text = std::move(value)};
  }
  void erase(const std::string& path) {
    std::erase_if(nodes_,
                  [&](const auto& node) { return node.first == path || node.first.starts_with(path + "/"); });
  }
  void change(bool slow, Answer answer, std::move_only_function<Result<>()> what) {
    if (!slow) return answer(what());
    const std::scoped_lock lock(mutex_);
    held_.push_back({.change = std::move(what), .answer = std::move(answer)});
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Node, std::less<>> nodes_;
  std::vector<std::string> writes_;
  mutable std::vector<std::string> asked_;
  std::vector<Held> held_;
};

}  // namespace weft::config
