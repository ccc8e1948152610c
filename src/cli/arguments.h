// The parts of a command line that commands have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/plan.h"

namespace weft::cli {

constexpr int kFailed = 1;  // something could not be had
constexpr int kUsage = 2;   // the command line is wrong

// "weft serve: ..." on stderr; returns the status that belongs to the error.
int report(std::string_view command, const Error& error);
int report(std::string_view command, const std::vector<std::string>& problems);
int refuse(std::string_view command, std::string_view rule);  // wrong words

// With the log level that `options` has, and the address that is listened on when none is given.
void add_target_options(CLI::App& app, TargetOptions& options, const std::string& listen);

// A status when the program ends with it: help was asked for, or the words are wrong.
std::optional<int> parse(CLI::App& app, int argc, const char* const* argv);

}  // namespace weft::cli
