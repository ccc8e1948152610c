#include "backends/null/null.h"

#include "block/conformance.h"

namespace weft::block {
namespace {

class NullEnvironment final : public ConformanceEnvironment {
 public:
  LoopDriver& driver() override { return driver_; }
  Result<std::shared_ptr<Backend>> open() override {
    return backends::make_null_plugin().open({"null_0/d", {}, {{"size", "4M"}}});
  }
  bool keeps_data() const override { return false; }
  bool durable() const override { return true; }

 private:
  TestLoopDriver driver_;
};

std::unique_ptr<ConformanceEnvironment> null_disk() {
  return std::make_unique<NullEnvironment>();
}

INSTANTIATE_TEST_SUITE_P(Null, BackendConformance,
                         testing::ValuesIn(conformance_cases({"null", &null_disk}, true)), case_name);

TEST(Null, TakesSizeAndBlockSize) {
  const auto plugin = backends::make_null_plugin();
  const auto geometry =
      (*plugin.open({"null_0/d", {}, {{"size", "8T"}, {"block_size", "4096"}}}))->geometry();
  EXPECT_EQ(geometry.bytes(), std::uint64_t{8} << 40);
  EXPECT_EQ(geometry.block_bytes, 4096u);
  EXPECT_FALSE(plugin.open({"null_0/d", {}, {{"size", "1000"}}}));
  EXPECT_FALSE(plugin.open({"null_0/d", {}, {{"block_size", "1024"}}}));
}

}  // namespace
}  // namespace weft::block
