#include "daemon/plugins.h"

#include "backends/blockdev/blockdev.h"
#include "backends/file/file.h"
#include "backends/null/null.h"
#include "backends/ramdisk/ramdisk.h"
#include "base/check.h"

namespace weft::daemon {

namespace {

class NoFiles final : public reactor::FileIos {
 public:
  reactor::FileIo& of(Loop& /*loop*/) override {
    check_failed("opens nothing", __FILE__, __LINE__, "it is there to be looked at");
  }
};

}  // namespace

std::vector<block::Plugin> make_plugins(backends::RamBudget& budget, reactor::FileIos& files) {
  std::vector<block::Plugin> plugins;
  block::Plugin ramdisk = backends::make_ramdisk_plugin(budget);
  ramdisk.keeps_data = false;
  plugins.push_back(std::move(ramdisk));
  plugins.push_back(backends::make_file_plugin(files));
  plugins.push_back(backends::make_blockdev_plugin(files));
  plugins.push_back(backends::make_null_plugin());
  return plugins;
}

std::vector<block::Plugin> known_plugins() {
  backends::RamBudget budget(0);
  NoFiles files;
  auto plugins = make_plugins(budget, files);
  for (auto& plugin : plugins) plugin.open = {};
  return plugins;
}

}  // namespace weft::daemon
