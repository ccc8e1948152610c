// weft read, write, compare, copy, zeroes, discard, flush: what is in a namespace.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/medium.h"
#include "cli/progress.h"
#include "cli/remote_options.h"
#include "cli/table.h"
#include "cli/transfer.h"
#include "client/block_io.h"
#include "wire/io_command.h"

namespace weft::cli {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint16_t kQueues = 1;
constexpr const char* kTarget = "tcp://HOST[:PORT][,HOST[:PORT]...]/NQN[?ns=N]";

struct Asked {
  RemoteOptions remote;
  std::string target;
  std::string file = "-";
  std::uint32_t nsid = 0;
  std::string offset = "0";
  std::string length;
  bool json = false;
};

void add_place(CLI::App& app, Asked& asked) {
  app.add_option("--namespace", asked.nsid, "of the subsystem; default: its only one")
      ->check(CLI::Range(1u, 0xFFFFFFFEu))
      ->type_name("N");
}

void add_range(CLI::App& app, Asked& asked, const char* length) {
  app.add_option("--offset", asked.offset, "where it begins in the namespace, in bytes; default 0")
      ->type_name("SIZE");
  app.add_option("--length", asked.length, length)->type_name("SIZE");
}

void add_common(CLI::App& app, Asked& asked) {
  app.add_flag("--json", asked.json, "print JSON");
  add_remote_options(app, asked.remote);
}

Result<Range> range_of(const Asked& asked) {
  Range range;
  const auto offset = parse_size(asked.offset);
  if (!offset)
    return fail(EINVAL, fmt::format("--offset \"{}\": must be a size, for example 4096 or 1G", asked.offset));
  range.offset = *offset;
  if (asked.length.empty()) return range;
  range.length = parse_size(asked.length);
  if (!range.length || *range.length == 0)
    return fail(EINVAL, fmt::format("--length \"{}\": must be a size, for example 4096 or 1G", asked.length));
  return range;
}

Result<std::unique_ptr<host::Namespace>> reach(Remotes& remotes, const std::string& target,
                                               std::uint32_t nsid) {
  auto name = parse_remote(target);
  if (!name) return std::unexpected(name.error());
  if (nsid != 0) name->nsid = Nsid(nsid);
  return remotes.open(*name, kQueues);
}

void tell(const Asked& asked, const char* done, std::uint64_t bytes, Clock::duration took) {
  const std::chrono::duration<double> seconds = took;
  // Standard output may be what was copied to.
  if (asked.json && asked.file != "-") {
    print_json({{"bytes", bytes}, {"seconds", seconds.count()}});
  } else if (asked.file != "-") {
    const auto rate =
        static_cast<std::uint64_t>(static_cast<double>(bytes) / std::max(seconds.count(), 1e-6));
    fmt::print("{} {} in {:.2f} s, {}/s\n", done, size_text(bytes), seconds.count(), size_text(rate));
  }
}

Result<> move_data(Medium& from, Medium& to, const TransferOptions& options, const Asked& asked,
                   const char* done) {
  std::atomic<std::uint64_t> count = 0;
  const auto began = Clock::now();
  const auto whole = options.length ? options.length : from.bytes();
  Result<std::uint64_t> copied = 0;
  {
    const Progress progress(true, [&] { return progress_text(count, whole, Clock::now() - began); });
    copied = transfer(from, to, options, count);
  }
  if (!copied) return std::unexpected(copied.error());
  tell(asked, done, *copied, Clock::now() - began);
  return {};
}

// All or nothing, where that is known before.
Result<> check_room(const Medium& to, std::optional<std::uint64_t> length) {
  const auto room = to.bytes();
  if (!length || !room || *length <= *room) return {};
  return fail(ENOSPC, fmt::format("{}: {} do not fit; there is room for {}", to.name(), size_text(*length),
                                  size_text(*room)));
}

Result<> run_read(const Asked& asked) {
  const auto range = range_of(asked);
  if (!range) return std::unexpected(range.error());
  auto remotes = Remotes::start(asked.remote);
  if (!remotes) return std::unexpected(remotes.error());
  auto reached = reach(**remotes, asked.target, asked.nsid);
  if (!reached) return std::unexpected(reached.error());
  auto from = open_namespace(std::move(*reached), *range);
  if (!from) return std::unexpected(from.error());
  auto to = open_file(asked.file, Use::destination);
  if (!to) return std::unexpected(to.error());
  return move_data(**from, **to, {.length = (*from)->bytes()}, asked, "read");
}

Result<> run_write(const Asked& asked) {
  const auto range = range_of(asked);
  if (!range) return std::unexpected(range.error());
  auto from = open_file(asked.file, Use::source);
  if (!from) return std::unexpected(from.error());
  auto remotes = Remotes::start(asked.remote);
  if (!remotes) return std::unexpected(remotes.error());
  auto reached = reach(**remotes, asked.target, asked.nsid);
  if (!reached) return std::unexpected(reached.error());
  auto to = open_namespace(std::move(*reached), *range);
  if (!to) return std::unexpected(to.error());
  const auto length = range->length ? range->length : (*from)->bytes();
  if (const auto fits = check_room(**to, length); !fits) return fits;
  return move_data(**from, **to, {.length = length}, asked, "wrote");
}

// A side of weft copy.
Result<std::unique_ptr<Medium>> open_side(Remotes& remotes, const std::string& text, Use use) {
  if (!looks_remote(text)) return open_file(text, use);
  auto reached = reach(remotes, text, 0);
  if (!reached) return std::unexpected(reached.error());
  return open_namespace(std::move(*reached), {});
}

Result<> run_copy(const Asked& asked, const std::string& source) {
  auto remotes = Remotes::start(asked.remote);
  if (!remotes) return std::unexpected(remotes.error());
  auto from = open_side(**remotes, source, Use::source);
  if (!from) return std::unexpected(from.error());
  auto to = open_side(**remotes, asked.file, Use::destination);
  if (!to) return std::unexpected(to.error());
  TransferOptions options{.length = (*from)->bytes()};
  if (!asked.length.empty()) {
    const auto range = range_of(asked);
    if (!range) return std::unexpected(range.error());
    options.length = range->length;
  }
  if (const auto fits = check_room(**to, options.length); !fits) return fits;
  return move_data(**from, **to, options, asked, "copied");
}

// Compares what `there` has with what was read of `here`, and finds the first byte that differs.
Result<> compare_all(Medium& here, Medium& there, std::optional<std::uint64_t> length, const Asked& asked) {
  constexpr std::size_t kPiece = std::size_t{512} * 1024;
  std::vector<std::byte> mine(kPiece);
  std::vector<std::byte> its(kPiece);
  const auto began = Clock::now();
  std::atomic<std::uint64_t> at = 0;
  const Progress progress(true, [&] { return progress_text(at, length, Clock::now() - began); });
  while (!length || at < *length) {
    const std::size_t wanted = length ? std::min<std::uint64_t>(kPiece, *length - at) : kPiece;
    const auto got = here.read(at, std::span(mine).first(wanted));
    if (!got) return std::unexpected(got.error());
    if (*got == 0) break;
    const auto theirs = there.read(at, std::span(its).first(*got));
    if (!theirs) return std::unexpected(theirs.error());
    if (*theirs < *got)
      return fail(EILSEQ, fmt::format("{}: it ends after {} bytes", there.name(), at + *theirs));
    const auto differs =
        std::mismatch(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(*got), its.begin());
    if (const auto same = static_cast<std::uint64_t>(differs.first - mine.begin()); same < *got) {
      if (asked.json) print_json({{"bytes", at + same}, {"equal", false}});
      return fail(EILSEQ, fmt::format("{} and {} differ at byte {}", here.name(), there.name(), at + same));
    }
    at += *got;
  }
  if (length && at < *length)
    return fail(EILSEQ, fmt::format("{}: it ends after {} bytes", here.name(), at.load()));
  if (asked.json) print_json({{"bytes", at.load()}, {"equal", true}});
  return {};
}

Result<> run_compare(const Asked& asked) {
  const auto range = range_of(asked);
  if (!range) return std::unexpected(range.error());
  auto here = open_file(asked.file, Use::source);
  if (!here) return std::unexpected(here.error());
  auto remotes = Remotes::start(asked.remote);
  if (!remotes) return std::unexpected(remotes.error());
  auto reached = reach(**remotes, asked.target, asked.nsid);
  if (!reached) return std::unexpected(reached.error());
  auto there = open_namespace(std::move(*reached), {.offset = range->offset});
  if (!there) return std::unexpected(there.error());
  return compare_all(**here, **there, range->length ? range->length : (*here)->bytes(), asked);
}

Result<> run_erase(const Asked& asked, client::Erasing how) {
  const auto range = range_of(asked);
  if (!range) return std::unexpected(range.error());
  auto remotes = Remotes::start(asked.remote);
  if (!remotes) return std::unexpected(remotes.error());
  auto reached = reach(**remotes, asked.target, asked.nsid);
  if (!reached) return std::unexpected(reached.error());
  const auto& info = (*reached)->info();
  const std::uint64_t length = range->length.value_or(info.bytes() - std::min(info.bytes(), range->offset));
  if (range->offset % info.block_bytes != 0 || length % info.block_bytes != 0)
    return fail(EINVAL,
                fmt::format("--offset and --length: must be multiples of the namespace's blocks of {} bytes",
                            info.block_bytes));
  if (range->offset > info.bytes() || length > info.bytes() - range->offset)
    return fail(EINVAL, fmt::format("{} from {} on: the namespace has {}", size_text(length), range->offset,
                                    size_text(info.bytes())));
  std::uint64_t at = range->offset / info.block_bytes;
  const std::uint64_t first = at;
  const std::uint64_t end = at + length / info.block_bytes;
  const auto began = Clock::now();
  std::atomic<std::uint64_t> done = 0;
  const Progress progress(true, [&] { return progress_text(done, length, Clock::now() - began); });
  for (; at < end; done = (at - first) * info.block_bytes) {
    const auto blocks = static_cast<std::uint32_t>(std::min(host::kMostCommandBlocks, end - at));
    if (const auto erased = client::erase_blocks(**reached, at, blocks, how); !erased)
      return fail(erased.error().code, fmt::format("{}: {}", asked.target, erased.error().message));
    at += blocks;
  }
  if (asked.json) print_json({{"bytes", length}});
  return {};
}

int told(const char* name, const Result<>& result) {
  return result ? 0 : report(name, result.error());
}

int erase(int argc, const char* const* argv, const char* name, const char* what, client::Erasing how) {
  CLI::App app(what, name);
  Asked asked;
  bool deallocate = false;
  app.add_option("target", asked.target, kTarget)->type_name("TARGET")->required();
  add_place(app, asked);
  add_range(app, asked, "bytes; default: to the end of the namespace");
  if (how == client::Erasing::zeroes)
    app.add_flag("--deallocate", deallocate, "the target may give the space back");
  add_common(app, asked);
  if (const auto status = parse(app, argc, argv)) return *status;
  return told(name, run_erase(asked, deallocate ? client::Erasing::deallocated_zeroes : how));
}

// read, write and compare take the same words.
int with_file(int argc, const char* const* argv, const char* name, const char* what, const char* file,
              const char* length, Result<> (*run)(const Asked&)) {
  CLI::App app(what, name);
  Asked asked;
  app.add_option("target", asked.target, kTarget)->type_name("TARGET")->required();
  app.add_option("file", asked.file, file)->type_name("FILE");
  add_place(app, asked);
  add_range(app, asked, length);
  add_common(app, asked);
  if (const auto status = parse(app, argc, argv)) return *status;
  return told(name, run(asked));
}

}  // namespace

int read(int argc, const char* const* argv) {
  return with_file(argc, argv, "weft read", "Read a namespace into a file or to standard output.",
                   "where to; default -, standard output", "bytes; default: to the end of the namespace",
                   run_read);
}

int write(int argc, const char* const* argv) {
  return with_file(argc, argv, "weft write", "Write a file or standard input into a namespace, durably.",
                   "where from; default -, standard input", "bytes; default: to the end of the file",
                   run_write);
}

int compare(int argc, const char* const* argv) {
  return with_file(argc, argv, "weft compare",
                   "Compare a file or standard input with what is in a namespace.",
                   "default -, standard input", "bytes; default: to the end of the file", run_compare);
}

int copy(int argc, const char* const* argv) {
  constexpr const char* kName = "weft copy";
  CLI::App app("Copy between namespaces, files and standard input and output, durably.", kName);
  Asked asked;
  std::string source;
  app.add_option("source", source,
                 "tcp://HOST[:PORT][,HOST[:PORT]...]/NQN[?ns=N], a file, a block device, or -")
      ->type_name("SOURCE")
      ->required();
  app.add_option("destination", asked.file, "the same")->type_name("DESTINATION")->required();
  app.add_option("--length", asked.length, "bytes; default: to the end of the source")->type_name("SIZE");
  add_common(app, asked);
  if (const auto status = parse(app, argc, argv)) return *status;
  return told(kName, run_copy(asked, source));
}

int zeroes(int argc, const char* const* argv) {
  return erase(argc, argv, "weft zeroes", "Make a part of a namespace read as zeroes.",
               client::Erasing::zeroes);
}

int discard(int argc, const char* const* argv) {
  return erase(argc, argv, "weft discard",
               "Tell a target that what is in a part of a namespace is not needed.",
               client::Erasing::discard);
}

int flush(int argc, const char* const* argv) {
  constexpr const char* kName = "weft flush";
  CLI::App app("Make what was written to a namespace durable.", kName);
  Asked asked;
  app.add_option("target", asked.target, kTarget)->type_name("TARGET")->required();
  add_place(app, asked);
  add_common(app, asked);
  if (const auto status = parse(app, argc, argv)) return *status;
  auto remotes = Remotes::start(asked.remote);
  if (!remotes) return report(kName, remotes.error());
  const auto reached = reach(**remotes, asked.target, asked.nsid);
  if (!reached) return report(kName, reached.error());
  const Nsid nsid = (*reached)->info().nsid;
  const auto done = (*reached)->io(wire::make_flush({.nsid = nsid}));
  if (done && asked.json) print_json({{"namespace", nsid.value()}, {"flushed", true}});
  return done ? 0 : report(kName, done.error());
}

}  // namespace weft::cli
