#include "config/state_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "base/test_full_disk.h"

namespace weft::config {
namespace {

class StateStoreTest : public testing::Test {
 protected:
  StateStoreTest() {
    std::string pattern = testing::TempDir() + "weft-state-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  ~StateStoreTest() override { std::filesystem::remove_all(directory_); }

  std::string state_dir() const { return directory_ + "/below/weft"; }
  std::string state_file() const { return state_dir() + "/state.json"; }
  void write_state(std::string_view text) const {
    std::filesystem::create_directories(state_dir());
    std::ofstream(state_file(), std::ios::binary) << text;
  }
  std::string read_state() const {
    std::stringstream text;
    text << std::ifstream(state_file(), std::ios::binary).rdbuf();
    return text.str();
  }

  std::string directory_;
};

TEST_F(StateStoreTest, IdentitiesStay) {
  Uuid serial;
  PortId port;
  {
    StateStore store(state_dir());
    ASSERT_TRUE(store.load());
    ASSERT_TRUE(store.assure({"fileio_1/a", "fileio_1/b"}, {"tcp:127.0.0.1:4420", "tcp:127.0.0.1:4421"}));
    serial = store.unit_serial("fileio_1/a");
    port = store.port_id("tcp:127.0.0.1:4421");
    EXPECT_FALSE(serial.is_nil());
    EXPECT_NE(serial, store.unit_serial("fileio_1/b"));
    EXPECT_NE(port, store.port_id("tcp:127.0.0.1:4420"));
    const std::string before = read_state();
    ASSERT_TRUE(store.assure({"fileio_1/a"}, {}));
    EXPECT_EQ(read_state(), before);
  }
  StateStore again(state_dir());
  ASSERT_TRUE(again.load());
  EXPECT_EQ(again.unit_serial("fileio_1/a"), serial);
  EXPECT_EQ(again.port_id("tcp:127.0.0.1:4421"), port);
  ASSERT_TRUE(again.assure({"fileio_1/a", "fileio_1/c"}, {}));
  EXPECT_EQ(again.unit_serial("fileio_1/a"), serial);
  EXPECT_EQ(again.port_id("tcp:192.0.2.1:1"), PortId()) << "never assured";
}

// What it then gives out lives in memory.
TEST_F(StateStoreTest, SaysWhyNothingIsKept) {
  const auto error_when = [this](const std::function<void()>& spoil) {
    StateStore store(state_dir());
    EXPECT_TRUE(store.load());
    spoil();
    const auto kept = store.assure({"fileio_1/a"}, {});
    EXPECT_FALSE(store.unit_serial("fileio_1/a").is_nil());
    return kept ? 0 : kept.error().code;
  };
  EXPECT_EQ(error_when([this] { std::ofstream(directory_ + "/below") << "a file"; }), ENOTDIR);
  std::filesystem::remove(directory_ + "/below");
  EXPECT_EQ(error_when([this] { std::filesystem::create_directories(state_dir() + "/lock"); }), EISDIR);
  std::filesystem::remove(state_dir() + "/lock");
  {
    const FullDisk full(0);
    EXPECT_EQ(error_when([] {}), EFBIG);
  }
  EXPECT_EQ(error_when([] {}), 0);
}

TEST_F(StateStoreTest, APortCanBeGivenAnId) {
  for (const auto& directory : {state_dir(), std::string()}) {
    StateStore store(directory);
    ASSERT_TRUE(store.load());
    ASSERT_TRUE(store.assure({}, {"p", "q"}));
    ASSERT_TRUE(store.assign("new", PortId(7)));
    EXPECT_EQ(store.port_of(PortId(7)), "new");
    ASSERT_TRUE(store.assign("q", store.port_id("p"))) << "who had it loses it";
    EXPECT_EQ(store.port_id("p"), PortId());
    EXPECT_EQ(store.port_of(store.port_id("q")), "q");
    ASSERT_TRUE(store.assure({}, {"p"}));
    EXPECT_NE(store.port_id("p"), store.port_id("q"));
    EXPECT_NE(store.port_id("p"), PortId(7));
    EXPECT_EQ(store.port_of(PortId(99)), "");
    if (directory.empty()) continue;
    StateStore again(directory);
    ASSERT_TRUE(again.load());
    EXPECT_EQ(again.port_of(PortId(7)), "new");
    EXPECT_EQ(again.port_id("q"), store.port_id("q"));
  }
}

TEST_F(StateStoreTest, SerialsAreRandomUuids) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const Uuid uuid = StateStore::random_uuid();
    EXPECT_EQ(uuid.bytes[6] >> 4, 4);
    EXPECT_EQ(uuid.bytes[8] >> 6, 2);
    EXPECT_TRUE(seen.insert(uuid_text(uuid)).second);
  }
}

TEST_F(StateStoreTest, TwoStoresOfOneDirectoryAgree) {
  StateStore one(state_dir());
  StateStore two(state_dir());
  ASSERT_TRUE(one.load());
  ASSERT_TRUE(two.load());
  ASSERT_TRUE(one.assure({"a"}, {"p"}));
  ASSERT_TRUE(two.assure({"a", "b"}, {"p", "q"}));
  ASSERT_TRUE(one.assure({"b"}, {"q"}));
  EXPECT_EQ(one.unit_serial("a"), two.unit_serial("a"));
  EXPECT_EQ(one.unit_serial("b"), two.unit_serial("b"));
  EXPECT_EQ(one.port_id("p"), two.port_id("p"));
  EXPECT_EQ(one.port_id("q"), two.port_id("q"));
  EXPECT_NE(one.port_id("p"), one.port_id("q"));
}

// Runs in a process of its own; its exit status.
int add_names(const std::string& directory, int first, int step) {
  StateStore store(directory);
  if (!store.load()) return 1;
  for (int i = first; i < 60; i += step) {
    const std::string name = "d" + std::to_string(i / 2);  // both processes want most of them
    if (!store.assure({name, "own" + std::to_string(first) + name}, {"p" + name})) return 2;
    if (store.unit_serial(name).is_nil() || store.port_id("p" + name) == PortId()) return 3;
  }
  return 0;
}

TEST_F(StateStoreTest, TwoProcessesAtOnceLoseNothing) {
  pid_t children[2];
  for (int i = 0; i < 2; ++i) {
    children[i] = ::fork();
    ASSERT_GE(children[i], 0);
    if (children[i] == 0) ::_exit(add_names(state_dir(), i, 2));
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  StateStore store(state_dir());
  ASSERT_TRUE(store.load());
  const std::string before = read_state();
  std::set<PortId> ids;
  for (int i = 0; i < 30; ++i) {
    const std::string name = "d" + std::to_string(i);
    for (const auto& each : {name, "own0" + name, "own1" + name}) {
      ASSERT_TRUE(store.assure({each}, {}));
      EXPECT_FALSE(store.unit_serial(each).is_nil());
    }
    EXPECT_TRUE(ids.insert(store.port_id("p" + name)).second);
  }
  EXPECT_EQ(read_state(), before) << "all were there";
  EXPECT_FALSE(ids.contains(PortId()));
}

TEST_F(StateStoreTest, WithoutADirectoryItIsInMemory) {
  StateStore store("");
  ASSERT_TRUE(store.load());
  ASSERT_TRUE(store.assure({"a"}, {"p"}));
  const Uuid serial = store.unit_serial("a");
  ASSERT_TRUE(store.assure({"a", "b"}, {}));
  EXPECT_EQ(store.unit_serial("a"), serial);
  EXPECT_EQ(store.port_id("p"), PortId(1));
}

// A file where the directory should be fails for root too.
TEST_F(StateStoreTest, AnUnusableDirectoryIsReportedAndTheRestIsInMemory) {
  const std::string file = directory_ + "/file";
  std::ofstream(file) << "x";
  StateStore store(file + "/weft");
  const auto loaded = store.load();
  if (loaded) {  // ENOTDIR may be found with the first thing to keep
    const auto kept = store.assure({"a"}, {"p"});
    ASSERT_FALSE(kept);
    EXPECT_NE(kept.error().message.find(file), std::string::npos) << kept.error().message;
  } else {
    EXPECT_NE(loaded.error().message.find(file), std::string::npos) << loaded.error().message;
    EXPECT_TRUE(store.assure({"a"}, {"p"}));
  }
  const Uuid serial = store.unit_serial("a");
  EXPECT_FALSE(serial.is_nil());
  EXPECT_EQ(store.port_id("p"), PortId(1));
  EXPECT_TRUE(store.assure({"a", "b"}, {}));
  EXPECT_EQ(store.unit_serial("a"), serial);
}

TEST_F(StateStoreTest, AFileThatCannotBeWrittenIsReported) {
  StateStore store(state_dir());
  ASSERT_TRUE(store.load());
  ASSERT_TRUE(store.assure({"a"}, {}));
  const Uuid serial = store.unit_serial("a");
  Result<> kept;
  {
    const FullDisk full(10);
    kept = store.assure({"b"}, {});
  }
  ASSERT_FALSE(kept);
  EXPECT_NE(kept.error().message.find("state.json"), std::string::npos) << kept.error().message;
  EXPECT_EQ(store.unit_serial("a"), serial);
  EXPECT_FALSE(store.unit_serial("b").is_nil());
}

TEST_F(StateStoreTest, DamagedFilesAreReportedAndLeftAlone) {
  const std::string whole =
      R"({"version": 1, "serials": {"a": "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"}, "ports": {"p": 7}})";
  write_state(whole);
  {
    StateStore store(state_dir());
    ASSERT_TRUE(store.load());
    EXPECT_EQ(uuid_text(store.unit_serial("a")), "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d");
    EXPECT_EQ(store.port_id("p"), PortId(7));
  }
  std::vector<std::string> damaged = {"",
                                      "\xFF\xFE garbage",
                                      "[]",
                                      "null",
                                      "{}",
                                      R"({"version": 2})",
                                      R"({"version": 1, "serials": []})",
                                      R"({"version": 1, "ports": 3})",
                                      R"({"version": 1, "serials": {"a": 1}})",
                                      R"({"version": 1, "serials": {"a": "x"}})",
                                      R"({"version": 1, "ports": {"p": 0}})",
                                      R"({"version": 1, "ports": {"p": 65536}})",
                                      R"({"version": 1, "ports": {"p": -1}})",
                                      R"({"version": 1, "ports": {"p": "7"}})"};
  for (std::size_t cut = 1; cut < whole.size(); ++cut) damaged.push_back(whole.substr(0, cut));
  for (const auto& text : damaged) {
    write_state(text);
    StateStore store(state_dir());
    const auto loaded = store.load();
    ASSERT_FALSE(loaded) << text;
    EXPECT_NE(loaded.error().message.find("state.json: it is no state file of Weft"), std::string::npos);
    EXPECT_TRUE(store.assure({"a"}, {"p"})) << "in memory";
    EXPECT_EQ(store.port_id("p"), PortId(1));
    EXPECT_EQ(read_state(), text) << "not overwritten";
  }
}

TEST_F(StateStoreTest, PortIdsFillGapsAndRunOut) {
  std::string text = R"({"version": 1, "ports": {)";
  for (int id = 1; id <= 65535; ++id)
    if (id != 9) text += (id == 1 ? "\"p" : ", \"p") + std::to_string(id) + "\": " + std::to_string(id);
  write_state(text + "}}");
  StateStore store(state_dir());
  ASSERT_TRUE(store.load());
  ASSERT_TRUE(store.assure({}, {"gap"}));
  EXPECT_EQ(store.port_id("gap"), PortId(9));
  const auto full = store.assure({"device"}, {"more"});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ENOSPC);
  EXPECT_EQ(store.port_id("more"), PortId());
  EXPECT_EQ(store.port_id("p65535"), PortId(65535));
  EXPECT_FALSE(store.unit_serial("device").is_nil());
  // A port too many takes nothing from what else is to be kept.
  ASSERT_TRUE(store.assure({"later"}, {}));
  StateStore again(state_dir());
  ASSERT_TRUE(again.load());
  ASSERT_TRUE(again.assure({"device", "later"}, {}));
  EXPECT_EQ(again.unit_serial("device"), store.unit_serial("device"));
  EXPECT_EQ(again.unit_serial("later"), store.unit_serial("later"));
}

TEST_F(StateStoreTest, TheDefaultDirectory) {
  const char* const names[] = {"STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"};
  std::vector<std::pair<const char*, std::string>> before;
  for (const char* name : names)
    if (const char* value = std::getenv(name); value != nullptr) before.emplace_back(name, value);
  const auto set = [&names](std::initializer_list<std::pair<const char*, const char*>> values) {
    for (const char* name : names) ::unsetenv(name);
    for (const auto& [name, value] : values) ::setenv(name, value, 1);
    return StateStore::default_directory();
  };
  EXPECT_EQ(set({}), "");
  EXPECT_EQ(set({{"HOME", "/h"}}), "/h/.local/state/weft");
  EXPECT_EQ(set({{"HOME", "/h"}, {"XDG_STATE_HOME", "/x"}}), "/x/weft");
  EXPECT_EQ(set({{"HOME", "/h"}, {"XDG_STATE_HOME", "/x"}, {"STATE_DIRECTORY", "/s:/t"}}), "/s");
  for (const char* name : names) ::unsetenv(name);
  for (const auto& [name, value] : before) ::setenv(name, value.c_str(), 1);
}

}  // namespace
}  // namespace weft::config
