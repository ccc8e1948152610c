// Results of configuration work and of everything else off the data path: a value, or an errno with one
// line for people that names the object, the value, the rule and what to do.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace weft {

struct Error {
  int code = 0;         // an errno, never 0
  std::string message;  // one line, no newline
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(int code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

// "WHAT: the system's text for CODE".
std::unexpected<Error> fail_errno(int code, const std::string& what);

// The system's text for an errno; safe from any thread.
std::string errno_text(int code);

}  // namespace weft
