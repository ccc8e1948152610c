// The conformance suite on files, on a real reactor.
#include "backends/fd/testing.h"
#include "backends/file/file.h"
#include "block/conformance.h"

namespace weft::backends {
namespace {

using block::ControlValues;

class FileEnvironment final : public block::ConformanceEnvironment {
 public:
  explicit FileEnvironment(ControlValues control) : control_(std::move(control)) {
    control_["fd_dev_name"] = directory_.make("disk", kBytes);
  }
  block::LoopDriver& driver() override { return driver_; }
  Result<std::shared_ptr<block::Backend>> open() override {
    auto opened = plugin_.open({"fileio_0/disk", {}, control_});
    if (opened) block_bytes_ = (*opened)->geometry().block_bytes;
    return opened;
  }
  bool durable() const override { return true; }
  bool resize(std::uint64_t blocks) override {
    std::filesystem::resize_file(control_["fd_dev_name"], blocks * block_bytes_);
    return true;
  }

 private:
  static constexpr std::uint64_t kBytes = 6 * 1024 * 1024;
  ScratchDirectory directory_;
  ControlValues control_;
  ReactorDriver driver_;
  const block::Plugin plugin_ = make_file_plugin(driver_.files());
  std::uint32_t block_bytes_ = 0;
};

}  // namespace
}  // namespace weft::backends

namespace weft::block {
namespace {

ConformanceCase file_case(std::string name, ControlValues control) {
  return {std::move(name),
          [control = std::move(control)] { return std::make_unique<backends::FileEnvironment>(control); }};
}

// Whether direct I/O in blocks of 512 bytes is possible where the tests run.
std::vector<ConformanceCase> cases() {
  std::vector<ConformanceCase> all;
  const auto add = [&all](const ConformanceCase& plain) {
    for (auto& each : conformance_cases(plain)) all.push_back(std::move(each));
  };
  for (const char* block_size : {"512", "4096"}) {
    const std::string suffix = block_size;
    const ConformanceCase direct = file_case("file_direct_" + suffix, {{"block_size", suffix}});
    if (auto opened = direct.make()->open())
      add(direct);
    else
      std::printf("left out: %s: %s\n", direct.name.c_str(), opened.error().message.c_str());
    add(file_case("file_buffered_" + suffix, {{"block_size", suffix}, {"fd_buffered_io", "1"}}));
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(File, BackendConformance, testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace weft::block
