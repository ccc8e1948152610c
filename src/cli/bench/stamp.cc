#include "cli/bench/stamp.h"

#include <fmt/format.h>

#include <cstring>

namespace weft::cli::bench {

namespace {

constexpr std::uint64_t kMagic = 0x7765'6674'6265'6e63;  // "weftbenc"
constexpr std::uint64_t kOdd = 0x9E37'79B9'7F4A'7C15;

struct Head {
  std::uint64_t magic;
  std::uint64_t seed;
  std::uint64_t place;
  std::uint64_t version;
  std::uint64_t time_ns;
  std::uint64_t sum;  // of the rest of the head
};
constexpr std::size_t kWords = (kSectorBytes - sizeof(Head)) / sizeof(std::uint64_t);

std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 31;
  value *= 0x7FB5'D329'728E'A185;
  return value ^ value >> 27;
}

std::uint64_t sum_of(const Head& head) {
  return mix(mix(mix(head.magic ^ head.seed) + head.place) + head.version) + head.time_ns * kOdd;
}

std::uint64_t first_word(const Head& head) {
  return mix(head.seed * kOdd + head.place) ^ mix(head.version + kOdd);
}

Head head_for(std::uint64_t seed, std::uint64_t place, std::uint64_t version, std::uint64_t time_ns) {
  Head head{kMagic, seed, place, version, time_ns, 0};
  head.sum = sum_of(head);
  return head;
}

bool is_whole(const std::byte* sector, const Head& head, std::uint64_t seed) {
  if (head.magic != kMagic || head.seed != seed || head.sum != sum_of(head)) return false;
  std::uint64_t word = first_word(head);
  for (std::size_t i = 0; i < kWords; ++i, word += kOdd)
    if (std::memcmp(sector + sizeof head + i * sizeof word, &word, sizeof word) != 0) return false;
  return true;
}

}  // namespace

void stamp(std::span<std::byte> data, std::uint64_t seed, std::uint64_t place, std::uint64_t version,
           std::uint64_t time_ns) {
  for (std::size_t at = 0; at + kSectorBytes <= data.size(); at += kSectorBytes) {
    const Head head = head_for(seed, place + at, version, time_ns);
    std::byte* const sector = data.data() + at;
    std::memcpy(sector, &head, sizeof head);
    std::uint64_t word = first_word(head);
    for (std::size_t i = 0; i < kWords; ++i, word += kOdd)
      std::memcpy(sector + sizeof head + i * sizeof word, &word, sizeof word);
  }
}

Finding check(std::span<const std::byte> data, std::uint64_t seed, std::uint64_t place,
              std::uint64_t version) {
  std::uint64_t first_version = 0;
  for (std::size_t at = 0; at + kSectorBytes <= data.size(); at += kSectorBytes) {
    Head head;
    std::memcpy(&head, data.data() + at, sizeof head);
    const auto found = [&](Verdict verdict) {
      return Finding{verdict, place + at, head.version, head.place, head.time_ns};
    };
    if (!is_whole(data.data() + at, head, seed)) return found(Verdict::damaged);
    if (head.place != place + at) return found(Verdict::misplaced);
    if (at == 0) first_version = head.version;
    if (head.version != first_version) return found(Verdict::torn);
    if (version != 0 && head.version > version) return found(Verdict::early);
  }
  if (version == 0 || first_version == version) return {};
  Head head;
  std::memcpy(&head, data.data(), sizeof head);
  return {Verdict::stale, place, head.version, head.place, head.time_ns};
}

std::string finding_text(const Finding& finding, std::uint64_t version) {
  const std::string where = fmt::format("byte {}", finding.place);
  switch (finding.verdict) {
    case Verdict::good:
      return where + ": good";
    case Verdict::damaged:
      return where + ": damaged: it is nothing that this run wrote";
    case Verdict::misplaced:
      return fmt::format("{}: misplaced: it holds what belongs to byte {}", where, finding.origin);
    case Verdict::stale:
      return fmt::format("{}: a lost write: it holds version {}, and {} was acknowledged", where,
                         finding.version, version);
    case Verdict::torn:
      return fmt::format("{}: torn: from there on it holds version {}, before another", where,
                         finding.version);
    case Verdict::early:
      break;
  }
  return fmt::format("{}: it holds version {}, and no more than {} was written", where, finding.version,
                     version);
}

}  // namespace weft::cli::bench
