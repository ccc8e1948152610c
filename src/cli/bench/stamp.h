// Data that names its place, its version and the run that wrote it, so that what is read tells what went
// wrong. Each 512 bytes carry all of it: a write that was torn shows which part is of which version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace weft::cli::bench {

inline constexpr std::size_t kSectorBytes = 512;

// `place`: bytes from the start of the namespace.  `data` is a whole number of sectors.
void stamp(std::span<std::byte> data, std::uint64_t seed, std::uint64_t place, std::uint64_t version,
           std::uint64_t time_ns);

enum class Verdict : std::uint8_t {
  good,
  damaged,    // no data of this seed, or changed
  misplaced,  // of another place
  stale,      // older than what was acknowledged: a lost write
  torn,       // of several versions
  early,      // newer than anything that was written
};
struct Finding {
  Verdict verdict = Verdict::good;
  std::uint64_t place = 0;    // of the first bad sector
  std::uint64_t version = 0;  // what it has
  std::uint64_t origin = 0;   // where its data belongs
  std::uint64_t time_ns = 0;  // when it was written
};
// `version` 0: any, but the same in all sectors.
Finding check(std::span<const std::byte> data, std::uint64_t seed, std::uint64_t place,
              std::uint64_t version);
std::string finding_text(const Finding& finding, std::uint64_t version);

}  // namespace weft::cli::bench
