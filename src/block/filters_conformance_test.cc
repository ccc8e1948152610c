// The filters above a disk that does nothing of its own: what fails here is a filter.
#include "block/conformance.h"
#include "block/memory_backend.h"

namespace weft::block {
namespace {

class MemoryEnvironment final : public ConformanceEnvironment {
 public:
  explicit MemoryEnvironment(std::uint32_t block_bytes) : block_bytes_(block_bytes) {}
  LoopDriver& driver() override { return driver_; }
  Result<std::shared_ptr<Backend>> open() override {
    if (!memory_) memory_ = std::make_shared<MemoryBackend>(kBytes / block_bytes_, block_bytes_);
    return memory_;
  }
  bool durable() const override { return true; }
  bool resize(std::uint64_t blocks) override {
    memory_->resize(blocks);
    return true;
  }

 private:
  static constexpr std::uint64_t kBytes = 4 * 1024 * 1024;
  const std::uint32_t block_bytes_;
  TestLoopDriver driver_;
  std::shared_ptr<MemoryBackend> memory_;
};

std::unique_ptr<ConformanceEnvironment> memory512() {
  return std::make_unique<MemoryEnvironment>(512);
}
std::unique_ptr<ConformanceEnvironment> memory4096() {
  return std::make_unique<MemoryEnvironment>(4096);
}

INSTANTIATE_TEST_SUITE_P(Memory512, BackendConformance,
                         testing::ValuesIn(conformance_cases({"memory_512", &memory512})), case_name);
INSTANTIATE_TEST_SUITE_P(Memory4096, BackendConformance,
                         testing::ValuesIn(conformance_cases({"memory_4096", &memory4096})), case_name);

}  // namespace
}  // namespace weft::block
