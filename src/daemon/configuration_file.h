// Where a process has its configuration from: a file of people's making, or its store.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/document.h"

namespace weft::daemon {

// The errors name the file.
Result<config::ParsedDocument> read_configuration(const std::string& path);

// What can be known without opening anything to be wrong with it.
std::vector<config::Problem> problems_of(const config::ParsedDocument& parsed);

// The store's file when none is named; empty: there is no state directory.  `state_dir` as given, or empty.
std::string default_store(const std::string& state_dir);

}  // namespace weft::daemon
