// Runs a fuzzer's function as an ordinary test: each file of its corpus, then random changes of them.  The
// same in each run; when one fails, its number says which.
//
//   NAME DIRECTORY ROUNDS
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;
constexpr std::size_t kMostBytes = 64 * 1024;

std::vector<Input> read_corpus(const char* directory) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Input> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Input>& corpus) : corpus_(corpus) {}

  Input next(std::uint64_t round) {
    random_.seed(round);
    Input input = any();
    for (auto changes = 1 + below(8); changes > 0; --changes) change(input);
    if (input.size() > kMostBytes) input.resize(kMostBytes);
    return input;
  }

 private:
  std::size_t below(std::size_t count) { return random_() % count; }
  const Input& any() { return corpus_[below(corpus_.size())]; }
  std::uint8_t byte() {
    constexpr std::uint8_t kFew[] = {0x00, 0x01, 0x7F, 0x80, 0xFF, '"', '{', '}'};
    return below(2) == 0 ? kFew[below(std::size(kFew))] : static_cast<std::uint8_t>(random_());
  }

  void change(Input& input) {
    const std::size_t at = input.empty() ? 0 : below(input.size());
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (input.empty() ? 2 : below(6)) {
      case 0:
        input[at] = byte();
        break;
      case 1:
        input[at] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 2:
        input.insert(place, 1 + below(8), byte());
        break;
      case 3:
        input.erase(place, place + static_cast<std::ptrdiff_t>(1 + below(input.size() - at)));
        break;
      case 4: {  // a piece of itself again
        const Input piece(place, place + static_cast<std::ptrdiff_t>(1 + below(input.size() - at)));
        input.insert(input.end(), piece.begin(), piece.end());
        break;
      }
      default: {  // the rest of another
        const Input& other = any();
        input.resize(at);
        const std::size_t from = std::min(at, other.size());
        input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
      }
    }
  }

  const std::vector<Input>& corpus_;
  std::mt19937_64 random_;
};

// `round` says where it is, to whoever looks when it failed.
int replay(const std::vector<Input>& corpus, std::uint64_t rounds, std::atomic<std::uint64_t>& round) {
  for (const Input& input : corpus) LLVMFuzzerTestOneInput(input.data(), input.size());
  Mutator mutator(corpus);
  for (round = 0; round < rounds; ++round) {
    const Input input = mutator.next(round);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  return 0;
}

// In a process of its own, which may die.
int replay_apart(const std::vector<Input>& corpus, std::uint64_t rounds) {
  void* const shared = ::mmap(nullptr, sizeof(std::atomic<std::uint64_t>), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 1;
  auto& round = *new (shared) std::atomic<std::uint64_t>(rounds);
  const pid_t child = ::fork();
  if (child == 0) std::exit(replay(corpus, rounds, round));
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return 1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    std::fprintf(stderr, "replay: %zu files and %llu changes of them\n", corpus.size(),
                 static_cast<unsigned long long>(rounds));
    return 0;
  }
  if (round == rounds)
    std::fprintf(stderr, "replay: failed with a file of the corpus, or at the end\n");
  else
    std::fprintf(stderr, "replay: failed in round %llu; WEFT_REPLAY_ROUND=%llu repeats it alone\n",
                 static_cast<unsigned long long>(round.load()),
                 static_cast<unsigned long long>(round.load()));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s DIRECTORY ROUNDS\n", argv[0]);
    return 2;
  }
  const std::vector<Input> corpus = read_corpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "replay: there is no file in %s\n", argv[1]);
    return 1;
  }
  if (const char* only = std::getenv("WEFT_REPLAY_ROUND"); only != nullptr) {
    const Input input = Mutator(corpus).next(std::strtoull(only, nullptr, 10));
    return LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  return replay_apart(corpus, std::strtoull(argv[2], nullptr, 10));
}
