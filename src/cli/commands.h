// The commands of `weft`, one row each: main, help and completion read them.  Each takes its own words, the
// first of them its name, and returns the exit status.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weft::cli {

// What stands behind the options, for completion.
enum class Words : std::uint8_t { other, paths, tenants, actions };

struct Command {
  std::string_view name;
  std::string_view synopsis;
  std::string_view summary;
  int (*run)(int argc, const char* const* argv);
  Words words = Words::other;
};
std::span<const Command> commands();
std::span<const Command> tenant_commands();
const Command* find_command(std::span<const Command> rows, std::string_view name);  // null: none
// "serve, run, ... or help"
std::string names_of(std::span<const Command> rows);

int serve(int argc, const char* const* argv);
int run(int argc, const char* const* argv);
int help(int argc, const char* const* argv);

// As a host of any target.
int discover(int argc, const char* const* argv);
int identify(int argc, const char* const* argv);
int log_page(int argc, const char* const* argv);
int feature(int argc, const char* const* argv);
int read(int argc, const char* const* argv);
int write(int argc, const char* const* argv);
int compare(int argc, const char* const* argv);
int copy(int argc, const char* const* argv);
int zeroes(int argc, const char* const* argv);
int discard(int argc, const char* const* argv);
int flush(int argc, const char* const* argv);
int bench_target(int argc, const char* const* argv);

// Of a running weftd.
int list(int argc, const char* const* argv);
int get(int argc, const char* const* argv);
int set(int argc, const char* const* argv);
int make_directory(int argc, const char* const* argv);
int remove_directory(int argc, const char* const* argv);
int make_link(int argc, const char* const* argv);
int remove_link(int argc, const char* const* argv);
int tenant(int argc, const char* const* argv);
int save(int argc, const char* const* argv);
int restore(int argc, const char* const* argv);
int import_nvmetcli(int argc, const char* const* argv);
int export_nvmetcli(int argc, const char* const* argv);
int status(int argc, const char* const* argv);
int examine(int argc, const char* const* argv);
int attach(int argc, const char* const* argv);
int attached(int argc, const char* const* argv);
int detach(int argc, const char* const* argv);
int completion(int argc, const char* const* argv);

}  // namespace weft::cli
