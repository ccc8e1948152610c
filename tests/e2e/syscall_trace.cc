#include "e2e/syscall_trace.h"

#include <cstdlib>
#include <map>
#include <sstream>

namespace weft::e2e {

namespace {

// "... = RESULT ... <SECONDS>": the time that the call took; 0 where there is none.
double duration(std::string_view text) {
  const std::size_t open = text.rfind('<');
  if (open == std::string_view::npos || !text.ends_with('>')) return 0;
  return std::strtod(std::string(text.substr(open + 1)).c_str(), nullptr);
}

bool succeeded(std::string_view text) {
  const std::size_t equals = text.rfind(") = ");
  const std::size_t spaced = text.rfind(" = ");
  const std::size_t at = equals != std::string_view::npos ? equals + 4 : spaced + 3;
  return spaced != std::string_view::npos && at < text.size() && text[at] >= '0' && text[at] <= '9';
}

}  // namespace

std::vector<TracedCall> parse_trace(std::string_view text) {
  constexpr std::string_view kUnfinished = " <unfinished ...>";
  constexpr std::string_view kResumed = " resumed>";
  std::vector<TracedCall> calls;
  std::map<std::string, TracedCall> unfinished;  // by thread
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string thread;
    double time = 0;
    if (!(words >> thread >> time)) continue;
    std::string rest;
    std::getline(words >> std::ws, rest);
    if (rest.starts_with("<... ")) {
      const std::size_t end = rest.find(kResumed);
      const auto begun = unfinished.find(thread);
      if (end == std::string::npos || begun == unfinished.end()) continue;
      TracedCall call = begun->second;
      unfinished.erase(begun);
      call.end = time;
      call.text += rest.substr(end + kResumed.size());
      call.ok = succeeded(call.text);
      calls.push_back(std::move(call));
      continue;
    }
    const std::size_t open = rest.find('(');
    if (open == std::string::npos) continue;
    TracedCall call{.begin = time, .name = rest.substr(0, open), .text = rest.substr(open)};
    if (call.text.ends_with(kUnfinished)) {
      call.text.resize(call.text.size() - kUnfinished.size());
      unfinished[thread] = std::move(call);
      continue;
    }
    call.end = time + duration(call.text);
    call.ok = succeeded(call.text);
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace weft::e2e
