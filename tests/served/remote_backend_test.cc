// A remote namespace is a backend like any other: the suite of all backends on one, over loop and TCP.
#include <chrono>
#include <string>
#include <thread>

#include "block/conformance.h"
#include "block/memory_backend.h"
#include "host/remote_backend.h"
#include "reactor/testing.h"
#include "served/served.h"
#include "transports/tcp/initiator.h"

namespace weft::block {
namespace {

struct Way {
  std::string name;
  bool tcp = false;
  unsigned reactors = 1;
  std::uint32_t block_bytes = 512;
};

class RemoteEnvironment final : public ConformanceEnvironment, private LoopDriver {
 public:
  explicit RemoteEnvironment(const Way& way) : way_(way) {}

  LoopDriver& driver() override { return *this; }
  Result<std::shared_ptr<Backend>> open() override {
    fabric::Initiator& over = way_.tcp ? static_cast<fabric::Initiator&>(tcp_) : served_.loop();
    host::Options options{.identity = {.nqn = "nqn.2014-08.test:host", .id = {1}}};
    options.address.subnqn = served::Served::kNqn;
    if (way_.tcp) options.address = {"127.0.0.1", std::to_string(served_.port()), served::Served::kNqn};
    return host::RemoteBackend::open(served_.reactors(), {.ways = {{&over, options}}}, "attached_0/1");
  }
  bool durable() const override { return true; }
  bool resize(std::uint64_t blocks) override {
    memory_->resize(blocks);
    return true;
  }

 private:
  // The last loop: with several, the queue that the first would use is another's.
  Loop& loop() override { return *served_.reactors().all().back(); }
  void call(const std::function<void()>& work) override { reactor::testing::on_loop(loop(), work); }
  bool wait(const std::function<bool()>& condition) override { return served::eventually(condition); }

  static constexpr std::uint64_t kBytes = 6 * 1024 * 1024;
  const Way way_;
  const std::shared_ptr<MemoryBackend> memory_ =
      std::make_shared<MemoryBackend>(kBytes / way_.block_bytes, way_.block_bytes);
  served::Served served_{memory_, {.reactors = way_.reactors}};
  tcp::TcpInitiator tcp_{served_.reactors()};
};

std::vector<ConformanceCase> cases() {
  std::vector<ConformanceCase> all;
  for (const Way& way :
       {Way{"loop_1", false, 1, 512}, Way{"loop_3", false, 3, 4096}, Way{"tcp_2", true, 2, 512}})
    all.push_back({"remote_" + way.name, [way] { return std::make_unique<RemoteEnvironment>(way); }});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Remote, BackendConformance, testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace weft::block
