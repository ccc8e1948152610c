// What strace -f -ttt -T -y wrote: the calls with their begin and end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft::e2e {

struct TracedCall {
  double begin = 0;  // seconds of CLOCK_REALTIME
  double end = 0;    // when it returned
  std::string name;
  std::string text;  // arguments and result, as they stand there
  bool ok = false;   // it did not fail
};

std::vector<TracedCall> parse_trace(std::string_view text);

}  // namespace weft::e2e
