#include "config/sqlite_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>

#include "base/test_full_disk.h"
#include "config/test_configuration.h"

namespace weft::config {
namespace {

using ::testing::Pair;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

class SqliteStoreTest : public testing::Test {
 protected:
  SqliteStoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weft-store-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ / "config.db";
  }
  ~SqliteStoreTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<SqliteStore> open() {
    auto store = SqliteStore::open(path_, journal_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  std::unique_ptr<SqliteStore> begin() {
    auto store = open();
    store->begin();
    return store;
  }
  Rows rows() { return *open()->read(); }
  static Result<> wait(SqliteStore& store) {
    std::promise<Result<>> promise;
    auto future = promise.get_future();
    store.when_durable([&promise](Result<> result) { promise.set_value(std::move(result)); });
    return future.get();
  }
  // The folder's files but for the lock, with what they hold.
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      if (entry.path().extension() != ".lock") all[entry.path().filename()] = content_of(entry.path());
    return all;
  }

  TestJournal journal_;
  std::filesystem::path folder_;
  std::filesystem::path path_;
};

TEST_F(SqliteStoreTest, KeepsWhatWasPutAndNotErased) {
  {
    const auto store = begin();
    store->put("a", "1");
    store->put("a/x", "2");
    store->put("a/x/deep", "3");
    store->put("a.b", "4");
    ASSERT_TRUE(wait(*store));
    store->put("a/x", "5");
    store->put("gone", "6");
    store->erase("gone");
    ASSERT_TRUE(wait(*store));
  }
  EXPECT_THAT(rows(), ElementsAre(Pair("a", "1"), Pair("a.b", "4"), Pair("a/x", "5"), Pair("a/x/deep", "3")));
  {
    const auto store = begin();
    store->erase("a/x");
    store->put("a/x", "again");
    store->put("a/y", "7");
    store->erase("none");
    store->put("a\xc3\xa4\x01", std::string("\0\x7f", 2));
  }  // ending writes what waits
  EXPECT_THAT(rows(), ElementsAre(Pair("a", "1"), Pair("a.b", "4"), Pair("a/x", "again"), Pair("a/y", "7"),
                                  Pair("a\xc3\xa4\x01", std::string("\0\x7f", 2))));
  {
    const auto store = begin();
    store->erase("a");
  }
  EXPECT_THAT(rows(), ElementsAre(Pair("a.b", "4"), Pair("a\xc3\xa4\x01", std::string("\0\x7f", 2))));
}

TEST_F(SqliteStoreTest, NotesNothingBeforeItBeginsAndAfterItEnds) {
  {
    const auto store = open();
    store->put("early", "1");
    EXPECT_TRUE(wait(*store));
    store->begin();
    store->put("a", "1");
    store->end();
    store->put("late", "1");
    EXPECT_EQ(wait(*store).error().code, ECANCELED);
  }
  EXPECT_THAT(rows(), ElementsAre(Pair("a", "1")));
}

TEST_F(SqliteStoreTest, NamesWhatIsInItsWay) {
  const auto error_of = [this](const std::filesystem::path& path) {
    const auto store = SqliteStore::open(path, journal_);
    return store ? Error{} : store.error();
  };
  write_file(folder_ / "file", "x");
  EXPECT_THAT(error_of(folder_ / "file" / "config.db").message, HasSubstr("its directory cannot be made"));
  const std::string lock = path_.string() + ".lock";
  std::filesystem::create_directory(lock);
  EXPECT_EQ(error_of(path_).code, EISDIR);
  EXPECT_THAT(error_of(path_).message, HasSubstr(lock));
  std::filesystem::remove(lock);
  const std::string made = path_.string() + ".new";
  std::filesystem::create_directory(made);
  EXPECT_EQ(error_of(path_).code, EEXIST);
  EXPECT_THAT(error_of(path_).message, HasSubstr(made));
  std::filesystem::remove(made);
  EXPECT_TRUE(open());
}

TEST_F(SqliteStoreTest, IsForItsOwnerAlone) {
  const auto store = begin();
  store->put("a", "1");
  ASSERT_TRUE(wait(*store));
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    struct stat status{};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << entry.path();
    ++count;
  }
  EXPECT_EQ(count, 3u) << "the file, its log and its lock";
}

// What a crash leaves: the files as they are while the store is open.
TEST_F(SqliteStoreTest, WhatIsDurableIsInTheFilesAtOnce) {
  const auto store = begin();
  for (int i = 0; i < 100; ++i) {
    store->put(fmt::format("row{}", i), "x");
    ASSERT_TRUE(wait(*store));
    if (i % 10 != 0) continue;
    const std::filesystem::path copy = folder_ / "copy";
    std::filesystem::create_directory(copy);
    for (const char* end : {"", "-wal"})
      std::filesystem::copy_file(path_.string() + end, (copy / "config.db").string() + end);
    const auto other = SqliteStore::open(copy / "config.db", journal_);
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_EQ((*other)->read()->size(), static_cast<std::size_t>(i) + 1);
    std::filesystem::remove_all(copy);
  }
}

TEST_F(SqliteStoreTest, ManyThreadsShareCommits) {
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  {
    const auto store = begin();
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&store, t] {
        for (int i = 0; i < kEach; ++i) {
          store->put(fmt::format("{}/{}", t, i), "x");
          if (i % 3 == 0) store->erase(fmt::format("{}/{}", t, i));
          EXPECT_TRUE(wait(*store));
        }
      });
    for (auto& thread : threads) thread.join();
  }
  const auto all = rows();
  for (int t = 0; t < kThreads; ++t)
    for (int i = 0; i < kEach; ++i) EXPECT_EQ(all.contains(fmt::format("{}/{}", t, i)), i % 3 != 0);
}

TEST_F(SqliteStoreTest, AnotherProcessIsRefusedByName) {
  const auto store = begin();
  const auto second = SqliteStore::open(path_, journal_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EBUSY);
  EXPECT_THAT(second.error().message, HasSubstr(fmt::format("process {} has it open", ::getpid())));
  EXPECT_THAT(second.error().message, HasSubstr(path_.string()));
  // Nor by another name of the same file.
  std::filesystem::create_symlink(path_, folder_ / "alias");
  const auto third = SqliteStore::open(folder_ / "alias", journal_);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, EBUSY) << third.error().message;
  store->put("a", "1");
  EXPECT_TRUE(wait(*store));
}

// As a crash leaves it, with a log beside the file.
class DamagedStore : public SqliteStoreTest {
 protected:
  DamagedStore() {
    {
      const auto store = begin();
      for (int i = 0; i < 200; ++i) store->put(fmt::format("row{}", i), std::string(100, 'x'));
    }
    const auto store = begin();
    store->put("last", "1");
    EXPECT_TRUE(wait(*store));
    good_ = files();
  }
  // The files as they were, less what a test damages.
  void lay_out(const std::map<std::string, std::string>& content) {
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) std::filesystem::remove(entry);
    for (const auto& [name, bytes] : content) write_file(folder_ / name, bytes);
  }
  std::map<std::string, std::string> good_;
};

TEST_F(DamagedStore, IsReportedAndLeftAsItIs) {
  const struct {
    std::string what;
    std::function<void(std::map<std::string, std::string>&)> damage;
    std::string says;
  } cases[] = {
      {"no database", [](auto& files) { files["config.db"] = "hello, world\n"; }, "damaged"},
      {"empty", [](auto& files) { files = {{"config.db", ""}}; }, "it is no store of Weft"},
      {"cut",
       [](auto& files) {
         files["config.db"].resize(5000);
         files.erase("config.db-wal");
       },
       "damaged"},
      {"overwritten", [](auto& files) { files["config.db"].replace(12288, 4096, 4096, '\xA5'); }, "damaged"},
      {"with a plan that nobody understands",
       [](auto& files) {
         std::string& file = files["config.db"];
         file.replace(file.find("CREATE TABLE"), 12, "CREATE TABLX");
         files.erase("config.db-wal");
       },
       "damaged"},
      {"of somebody else",
       [](auto& files) {
         files["config.db"].replace(68, 4, "Else");
         files.erase("config.db-wal");
       },
       "no store of Weft"},
      {"newer",
       [](auto& files) {
         files["config.db"].replace(60, 4, std::string("\0\0\0\2", 4));
         files.erase("config.db-wal");
       },
       "its version is 2, and this Weft knows 1"},
      {"gone", [](auto& files) { files.erase("config.db"); }, "config.db-wal is still there"},
  };
  for (const auto& each : cases) {
    auto damaged = good_;
    each.damage(damaged);
    lay_out(damaged);
    const auto store = SqliteStore::open(path_, journal_);
    ASSERT_FALSE(store) << each.what;
    EXPECT_THAT(store.error().message, HasSubstr(each.says)) << each.what;
    EXPECT_THAT(store.error().message, HasSubstr("to begin with nothing")) << each.what;
    EXPECT_TRUE(files() == damaged) << each.what;  // not to be printed
  }
  lay_out(good_);
  EXPECT_EQ(rows().size(), 201u);
}

TEST_F(DamagedStore, WhatCannotBeReadIsRefused) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  ASSERT_EQ(::chmod(path_.c_str(), 0), 0);
  const auto store = SqliteStore::open(path_, journal_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, EACCES) << store.error().message;
}

TEST_F(SqliteStoreTest, AFailedCommitIsSaidAndTriedAgain) {
  {
    const auto store = begin();
    store->put("before", "1");
    ASSERT_TRUE(wait(*store));
    {
      const FullDisk full(4096);
      store->put("a", "1");
      const auto refused = wait(*store);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, EFBIG) << refused.error().message;
      EXPECT_THAT(refused.error().message, HasSubstr("it is in force but not kept: store " + path_.string()));
      store->put("before", "2");
      store->put("b", "1");
      EXPECT_FALSE(wait(*store));
      store->erase("b");
      EXPECT_FALSE(wait(*store));
    }
    EXPECT_THAT(journal_.take(), ElementsAre(HasSubstr("problem store: changes are in force but not kept")));
    // With the next change, or by itself: whatever comes first.
    store->put("c", "1");
    EXPECT_TRUE(wait(*store));
    EXPECT_THAT(journal_.take(), ElementsAre("note store: all changes are kept again"));
  }
  EXPECT_THAT(rows(), ElementsAre(Pair("a", "1"), Pair("before", "2"), Pair("c", "1")));
}

TEST_F(SqliteStoreTest, AFailedCommitIsTriedAgainByItself) {
  const auto store = begin();
  {
    const FullDisk full(4096);
    store->put("a", "1");
    ASSERT_FALSE(wait(*store));
  }
  std::vector<std::string> said;
  const auto end = std::chrono::steady_clock::now() + kTestPatience;
  while (std::ranges::find(said, "note store: all changes are kept again") == said.end()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    for (auto& line : journal_.take()) said.push_back(std::move(line));
    std::this_thread::yield();
  }
  EXPECT_TRUE(wait(*store));
}

TEST(PendingRows, KeepTheLastWordOnEachPath) {
  PendingRows rows;
  rows.put("a/b", "1");
  rows.put("a!", "2");
  rows.erase("a");
  rows.put("a", "3");
  PendingRows later;
  later.put("a/c", "4");
  later.erase("x");
  later.put("a!", "5");
  rows.add(std::move(later));
  std::string all;
  for (const auto& [path, row] : rows.rows())
    all += fmt::format("{}{}={} ", path, row.erases_below ? "*" : "", row.value.value_or("-"));
  EXPECT_EQ(all, "a*=3 a!=5 a/c=4 x*=- ");
}

}  // namespace
}  // namespace weft::config
