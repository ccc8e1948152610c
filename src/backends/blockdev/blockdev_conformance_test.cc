// The conformance suite on a loop device, on a real reactor.  Where there is none, one test says so and is
// skipped.
#include "backends/blockdev/blockdev.h"
#include "backends/blockdev/testing.h"
#include "block/conformance.h"

namespace weft::backends {
namespace {

class DeviceEnvironment final : public block::ConformanceEnvironment {
 public:
  explicit DeviceEnvironment(std::uint32_t block_bytes) : block_bytes_(block_bytes) {
    std::string why;
    device_ = LoopDevice::make(kBytes, block_bytes, why);
    if (device_ == nullptr) ADD_FAILURE() << why;
  }
  block::LoopDriver& driver() override { return driver_; }
  Result<std::shared_ptr<block::Backend>> open() override {
    return plugin_.open({"iblock_0/disk", {}, {{"udev_path", device_->path()}}});
  }
  bool durable() const override { return true; }
  bool resize(std::uint64_t blocks) override {
    device_->resize(blocks * block_bytes_);
    return true;
  }

 private:
  static constexpr std::uint64_t kBytes = 6 * 1024 * 1024;
  const std::uint32_t block_bytes_;
  std::unique_ptr<LoopDevice> device_;
  ReactorDriver driver_;
  const block::Plugin plugin_ = make_blockdev_plugin(driver_.files());
};

std::string why_not() {
  std::string why;
  const auto tried = LoopDevice::make(1 << 20, 512, why);
  return tried == nullptr ? why : "";
}

TEST(BlockdevConformance, HasADeviceToRunOn) {
  if (const std::string why = why_not(); !why.empty()) GTEST_SKIP() << why;
}

}  // namespace
}  // namespace weft::backends

namespace weft::block {
namespace {

std::vector<ConformanceCase> cases() {
  if (!backends::why_not().empty()) return {};
  std::vector<ConformanceCase> all;
  for (const std::uint32_t block_bytes : {512u, 4096u})
    for (auto& each : conformance_cases({"blockdev_" + std::to_string(block_bytes), [block_bytes] {
                                           return std::make_unique<backends::DeviceEnvironment>(block_bytes);
                                         }}))
      all.push_back(std::move(each));
  return all;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BackendConformance);
INSTANTIATE_TEST_SUITE_P(Blockdev, BackendConformance, testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace weft::block
