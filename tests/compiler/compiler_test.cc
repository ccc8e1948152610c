// What this project relies on in its compiler and has seen broken: GCC 12 at -O3 without -mno-align-stringops
// fails here.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace weft {
namespace {

struct Unaligned64 {
  unsigned char bytes[8];
  Unaligned64& operator=(std::uint64_t value) {
    std::memcpy(bytes, &value, sizeof value);
    return *this;
  }
};
struct Unaligned128 {
  Unaligned64 low;
  Unaligned64 high;
};
// A page as it goes over the wire.
struct Page {
  unsigned char flags;
  unsigned char kelvin[2];
  unsigned char spare;
  unsigned char threshold;
  unsigned char reserved[27];
  Unaligned128 counters[10];
  unsigned char rest[320];
};
static_assert(sizeof(Page) == 512);

struct Built {
  Built(std::vector<std::byte> whole) : size(whole.size()), bytes(std::move(whole)) {}
  std::size_t size;
  std::size_t first = 0;
  std::vector<std::byte> bytes;
};

template <class T>
Built built(const T& page) {
  const auto bytes = std::as_bytes(std::span<const T, 1>(&page, 1));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

struct Values {
  std::uint64_t of[6];
  unsigned short over;
  unsigned short under;
};
struct Totals {
  std::uint64_t a, b, c, d;
};
[[gnu::noinline]] Totals totals(const Values& values) {
  return {values.of[0], values.of[1], values.of[2], values.of[3]};
}
[[gnu::noinline]] std::uint64_t seconds(const Values& values) {
  return values.of[4];
}

[[gnu::noinline]] Built make_page(const Values& values) {
  const Totals all = totals(values);
  Page page{};
  if (values.over <= 313 || values.under > 312) page.flags = 2;
  const unsigned short kelvin = 313;
  std::memcpy(page.kelvin, &kelvin, sizeof kelvin);
  page.spare = 100;
  page.threshold = 10;
  page.counters[0].low = all.a / 512;
  page.counters[1].low = all.b / 512;
  page.counters[2].low = all.c;
  page.counters[3].low = all.d;
  page.counters[5].low = 1;
  page.counters[6].low = seconds(values) / 3600;
  page.counters[9].low = seconds(values);
  return built(page);
}

TEST(Compiler, StoresBeforeACopyAreCopied) {
  const Values values{{1024, 2048, 3, 4, 7200, 0}, 400, 200};
  const Built page = make_page(values);
  Page copy{};
  ASSERT_EQ(page.bytes.size(), sizeof copy);
  std::memcpy(&copy, page.bytes.data(), sizeof copy);
  const std::uint64_t expected[] = {2, 4, 3, 4, 0, 1, 2, 0, 0, 7200};
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    std::uint64_t low = 0;
    std::memcpy(&low, copy.counters[i].low.bytes, sizeof low);
    EXPECT_EQ(low, expected[i]) << i;
  }
}

}  // namespace
}  // namespace weft
