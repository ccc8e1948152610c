// Changes that take their time, or never end.
#include <pthread.h>

#include <atomic>
#include <future>

#include "faces/fuse/test_mount.h"

namespace weft::faces {
namespace {

// Ends a system call and nothing else.
void install_empty_handler() {
  struct sigaction action{};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, nullptr);
}

class WaitingTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_EQ(make("sub"), 0);
    install_empty_handler();
  }
  std::future<int> write_slowly(const std::string& path) {
    return std::async(std::launch::async, [file = at(path)] { return write_file(file, "slow"); });
  }
};

TEST_F(WaitingTest, AChangeAnswersWhenItIsDone) {
  std::future<int> enable = write_slowly("sub/enable");
  std::future<int> serial = write_slowly("sub/attr_serial");
  std::future<int> made = std::async(std::launch::async, [this] { return make("slow"); });
  ASSERT_TRUE(tree_.wait_for_held(3));
  EXPECT_EQ(read_file(at("sub/enable")), "0\n") << "reading does not wait for a writer";
  tree_.release();
  EXPECT_EQ(enable.get(), 0);
  EXPECT_EQ(serial.get(), 0);
  EXPECT_EQ(made.get(), 0);
  EXPECT_EQ(read_file(at("sub/enable")), "slow\n");
  EXPECT_EQ(status("slow").st_mode, S_IFDIR | 0755U);

  std::future<int> removed = std::async(std::launch::async, [this] { return remove("slow"); });
  std::future<int> linked = std::async(
      std::launch::async, [this] { return error_of(::symlink("x", at("sub/hosts/slow").c_str())); });
  ASSERT_TRUE(tree_.wait_for_held(2));
  tree_.release(fail(EBUSY, "in use"));
  EXPECT_EQ(removed.get(), EBUSY);
  EXPECT_EQ(linked.get(), EBUSY);
  EXPECT_EQ(status("slow").st_mode, S_IFDIR | 0755U);
}

TEST_F(WaitingTest, AnyNumberOfWritersHoldsNobodyUp) {
  constexpr int kWriters = 200;
  std::vector<std::future<int>> writers;
  for (int i = 0; i < kWriters; ++i) {
    tree_.add_attribute("attribute" + std::to_string(i), true, true, "before");
    writers.push_back(write_slowly("attribute" + std::to_string(i)));
  }
  ASSERT_TRUE(tree_.wait_for_held(kWriters));
  EXPECT_EQ(make("other"), 0);
  EXPECT_EQ(names_in(at("other")).size(), 5U);
  EXPECT_EQ(write_file(at("other/enable"), "1"), 0);
  EXPECT_EQ(read_file(at("other/enable")), "1\n");
  EXPECT_EQ(read_file(at("attribute7")), "before\n");
  EXPECT_EQ(error_of(::symlink("x", at("other/hosts/link").c_str())), 0);
  EXPECT_EQ(error_of(::unlink(at("other/hosts/link").c_str())), 0);
  EXPECT_EQ(remove("other"), 0);
  tree_.release();
  for (std::future<int>& writer : writers) EXPECT_EQ(writer.get(), 0);
}

TEST_F(WaitingTest, AnInterruptEndsTheWaitAndNotTheChange) {
  std::promise<pthread_t> thread;
  std::future<int> written = std::async(std::launch::async, [&] {
    thread.set_value(::pthread_self());
    return write_file(at("sub/enable"), "slow");
  });
  const pthread_t writer = thread.get_future().get();
  ASSERT_TRUE(tree_.wait_for_held(1));
  ::pthread_kill(writer, SIGUSR1);
  EXPECT_EQ(written.get(), EINTR);
  tree_.release();
  EXPECT_EQ(read_file(at("sub/enable")), "slow\n");
  EXPECT_EQ(write_file(at("sub/enable"), "1"), 0);
}

// libfuse gives the next request the memory of one that was answered.
TEST_F(WaitingTest, ALateAnswerIsNotTheNextRequests) {
  for (int i = 0; i < 20; ++i) {
    std::promise<pthread_t> thread;
    std::future<int> first = std::async(std::launch::async, [&] {
      thread.set_value(::pthread_self());
      return write_file(at("sub/enable"), "slow", O_WRONLY);
    });
    const pthread_t writer = thread.get_future().get();
    ASSERT_TRUE(tree_.wait_for_held(1));
    ::pthread_kill(writer, SIGUSR1);
    ASSERT_EQ(first.get(), EINTR);
    std::future<int> second = write_slowly("sub/attr_serial");
    ASSERT_TRUE(tree_.wait_for_held(2));
    tree_.release(fail(EBUSY, "in use"), true);
    tree_.release();
    EXPECT_EQ(second.get(), 0);
  }
}

TEST_F(WaitingTest, DirectoriesAndLinksAreInterruptedToo) {
  ASSERT_EQ(make("sub/hosts/a"), 0);
  const std::function<int()> kCalls[] = {
      [this] { return make("sub/slow"); },
      [this] { return error_of(::symlink("x", at("sub/hosts/slow").c_str())); },
      [this] { return error_of(::unlink(at("sub/hosts/slow").c_str())); },
      [this] { return remove("sub/slow"); },
  };
  for (const auto& call : kCalls) {
    std::promise<pthread_t> thread;
    std::future<int> called = std::async(std::launch::async, [&] {
      thread.set_value(::pthread_self());
      return call();
    });
    const pthread_t caller = thread.get_future().get();
    ASSERT_TRUE(tree_.wait_for_held(1));
    ::pthread_kill(caller, SIGUSR1);
    EXPECT_EQ(called.get(), EINTR);
    tree_.release();
  }
  EXPECT_EQ(status("sub/slow").st_mode, 0U);
  EXPECT_EQ(status("sub/hosts/slow").st_mode, 0U);
}

TEST_F(WaitingTest, ControlCEndsAShellThatWaits) {
  const pid_t shell = spawn({"sh", "-c", "echo slow > " + at("sub/enable")});
  ASSERT_TRUE(tree_.wait_for_held(1));
  ::kill(shell, SIGINT);
  const int status = wait_for_end(shell);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) << status;
  tree_.release();
  EXPECT_EQ(tree_.value("sub/enable"), "slow");
}

// The kernel may let one writer at a time into a file.
TEST_F(WaitingTest, AfterAnInterruptTheNextWriterComesIn) {
  const pid_t shell = spawn({"sh", "-c", "echo slow > " + at("sub/enable")});
  ASSERT_TRUE(tree_.wait_for_held(1));
  std::future<int> next =
      std::async(std::launch::async, [this] { return write_file(at("sub/enable"), "1"); });
  EXPECT_EQ(read_file(at("sub/attr_serial")), "0123456789\n");
  ::kill(shell, SIGINT);
  wait_for_end(shell);
  EXPECT_EQ(next.get(), 0);
  EXPECT_EQ(read_file(at("sub/enable")), "1\n");
  tree_.release();
}

TEST_F(WaitingTest, AKilledProcessIsLetGo) {
  const pid_t shell = spawn({"sh", "-c", "echo slow > " + at("sub/enable")});
  ASSERT_TRUE(tree_.wait_for_held(1));
  ::kill(shell, SIGKILL);
  const int status = wait_for_end(shell);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  tree_.release();
}

// Whichever comes first answers, once.
TEST_F(WaitingTest, AnswersAndInterruptsMeet) {
  constexpr int kRounds = 300;
  int interrupted = 0;
  for (int i = 0; i < kRounds; ++i) {
    std::promise<pthread_t> thread;
    std::future<int> written = std::async(std::launch::async, [&] {
      thread.set_value(::pthread_self());
      return write_file(at("sub/enable"), "slow", O_WRONLY);
    });
    const pthread_t writer = thread.get_future().get();
    ASSERT_TRUE(tree_.wait_for_held(1));
    // The interrupt's way through the kernel is the longer one: the answer sets out a little later each
    // round.
    const auto start = std::chrono::steady_clock::now() + i * std::chrono::nanoseconds(500);
    ::pthread_kill(writer, SIGUSR1);
    while (std::chrono::steady_clock::now() < start) {
    }
    tree_.release();
    const int error = written.get();
    EXPECT_TRUE(error == 0 || error == EINTR) << error;
    interrupted += error == EINTR ? 1 : 0;
    EXPECT_EQ(read_file(at("sub/enable")), "slow\n");
  }
  RecordProperty("interrupted", interrupted);
}

TEST_F(WaitingTest, UnmountingLetsEverybodyGo) {
  constexpr int kWriters = 50;
  std::vector<std::future<int>> writers;
  for (int i = 0; i < kWriters; ++i) {
    tree_.add_attribute("attribute" + std::to_string(i), true, true, "before");
    writers.push_back(write_slowly("attribute" + std::to_string(i)));
  }
  writers.push_back(std::async(std::launch::async, [this] { return make("sub/slow"); }));
  ASSERT_TRUE(tree_.wait_for_held(writers.size()));
  mount_.reset();
  EXPECT_FALSE(directory_.mounted("mount"));
  for (std::future<int>& writer : writers) EXPECT_EQ(writer.get(), ENODEV);
  tree_.release();  // to nobody
  EXPECT_EQ(tree_.value("attribute0"), "slow");
}

// Answers, new requests and the end of the mount at the same time.
TEST_F(WaitingTest, UnmountingAmidAnswers) {
  constexpr int kWriters = 8;
  constexpr int kRounds = 20;
  for (int i = 0; i < kWriters; ++i) tree_.add_attribute("attribute" + std::to_string(i), true, true);
  for (int round = 0; round < kRounds; ++round) {
    if (round > 0) mount_tree();
    std::atomic<bool> ending = false;
    std::vector<std::future<void>> writers;
    for (int i = 0; i < kWriters; ++i)
      writers.push_back(std::async(std::launch::async, [&, path = at("attribute" + std::to_string(i))] {
        while (!ending) write_file(path, "slow", O_WRONLY);
      }));
    ASSERT_TRUE(tree_.wait_for_held(kWriters / 2));
    std::thread answerer([&] {
      while (!ending) tree_.release();
    });
    mount_.reset();
    ending = true;
    answerer.join();
    for (std::future<void>& writer : writers) writer.get();
    tree_.release();
  }
}

TEST_F(WaitingTest, SomebodyElseUnmounts) {
  std::future<int> written = write_slowly("sub/enable");
  ASSERT_TRUE(tree_.wait_for_held(1));
  ASSERT_TRUE(fuse::detach_mount(directory_ / "mount"));
  EXPECT_FALSE(directory_.mounted("mount"));
  tree_.release();
  EXPECT_EQ(written.get(), 0) << "who is inside is still served";
  mount_.reset();
}

}  // namespace
}  // namespace weft::faces
