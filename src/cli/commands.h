// The commands of `weft`.  Each takes its own words, the first of them its name, and returns the exit status.
#pragma once

namespace weft::cli {

int serve(int argc, const char* const* argv);
int run(int argc, const char* const* argv);
int help(int argc, const char* const* argv);

}  // namespace weft::cli
