// The store on a disk that becomes full, or loses power, at each of its writes.
#include "sim/store_disk.h"

#include <gtest/gtest.h>

#include <future>

#include "config/sqlite_store.h"

namespace weft::sim {
namespace {

class NoJournal final : public config::Journal {
  void problem(std::string_view, std::string_view) override {}
  void note(std::string_view, std::string_view) override {}
  void listening(std::string_view) override {}
};

class StoreDiskTest : public ::testing::Test {
 protected:
  // A process of its own opens the store and puts a row; empty: it could not be opened.
  std::optional<config::Rows> put(const std::string& path) {
    std::optional<config::Rows> rows;
    bool is_over = false;
    SimLoops& process = world_.add_process("weftd", 1);
    world_.threads().start(process, [&] {
      if (auto store = config::SqliteStore::open(disk_->database(), journal_)) {
        rows = (*store)->read().value();
        (*store)->begin();
        (*store)->put(path, "value");
        std::promise<bool> answered;
        (*store)->when_durable([&](const Result<>& kept) { answered.set_value(kept.has_value()); });
        is_kept_ = answered.get_future().get();
        (*store)->end();
      }
      is_over = true;
    });
    EXPECT_TRUE(world_.run_until([&] { return is_over; }, std::chrono::seconds(60)));
    world_.kill(process);
    return rows;
  }

  World world_{1, false};
  std::optional<StoreDisk> disk_;
  NoJournal journal_;
  bool is_kept_ = false;
};

TEST_F(StoreDiskTest, AStoreThatCouldNotBeMadeIsMadeWhenThereIsRoom) {
  bool has_room = false;
  for (unsigned writes = 0; !has_room; ++writes) {
    ASSERT_LT(writes, 200u);
    disk_.reset();
    disk_.emplace(world_);
    disk_->fill_after(writes);
    has_room = put("a").has_value() && is_kept_;
    disk_->crash(writes % 2 == 0);
    is_kept_ = false;
    ASSERT_TRUE(put("b").has_value()) << writes;
    EXPECT_TRUE(is_kept_);
    disk_->crash(true);
    EXPECT_TRUE(put("c")->contains("b")) << writes;
  }
}

}  // namespace
}  // namespace weft::sim
