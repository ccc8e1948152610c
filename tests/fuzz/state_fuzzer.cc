// The file of identities: any bytes in it are refused and left alone, or go on with what they hold.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/check.h"
#include "config/state_store.h"

namespace {

// In memory where there is such a file system: each input is written and synced.
struct Directory {
  Directory() {
    const std::filesystem::path memory = "/dev/shm";
    const auto base = std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    std::string pattern = base / "weft-state-XXXXXX";
    WEFT_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft;
  static const Directory directory;
  std::ofstream(directory.path + "/state.json", std::ios::binary | std::ios::trunc)
      << std::string_view(reinterpret_cast<const char*>(data), size);
  config::StateStore store(directory.path);
  const bool loaded = store.load().has_value();
  if (const auto kept = store.assure({"device"}, {"port"}); !kept) WEFT_CHECK(!kept.error().message.empty());
  if (!loaded) return 0;
  config::StateStore again(directory.path);
  WEFT_CHECK(again.load().has_value());
  WEFT_CHECK(again.assure({"device"}, {"port"}).has_value());
  WEFT_CHECK(again.unit_serial("device") == store.unit_serial("device"));
  WEFT_CHECK(again.port_id("port") == store.port_id("port"));
  return 0;
}
