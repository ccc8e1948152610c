// A configuration file: whatever it holds is refused in one line, or reads back as it was understood.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "config/document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::config;
  const auto parsed = parse_document(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!parsed) {
    WEFT_CHECK(parsed.error().code != 0 && !parsed.error().message.empty());
    return 0;
  }
  for (const auto& problem : parsed->problems) WEFT_CHECK(!problem.reason.empty());
  const std::string text = write_document(parsed->document);
  const auto again = parse_document(text);
  WEFT_CHECK(again.has_value() && again->problems.empty());
  WEFT_CHECK(again->document == parsed->document);
  WEFT_CHECK(write_document(again->document) == text);
  return 0;
}
