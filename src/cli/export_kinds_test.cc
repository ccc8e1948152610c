#include <gtest/gtest.h>

#include <algorithm>

#include "cli/export_spec.h"
#include "daemon/plugins.h"

namespace weft::cli {

namespace {

// What people may write is what the plugins take.
TEST(ExportKinds, NamePluginsAndKeysThatExist) {
  for (const auto& kind : export_kinds()) {
    const auto plugins = daemon::known_plugins();
    const auto plugin = std::ranges::find(plugins, kind.plugin, &block::Plugin::name);
    ASSERT_NE(plugin, plugins.end()) << kind.plugin;
    const auto has = [&](std::string_view key) {
      return std::ranges::find(plugin->keys, key, &block::ControlKey::name) != plugin->keys.end();
    };
    EXPECT_TRUE(has(kind.key)) << kind.plugin << " " << kind.key;
    for (const auto& option : kind.options) EXPECT_TRUE(has(option.key)) << kind.plugin << " " << option.key;
  }
}

}  // namespace

}  // namespace weft::cli
