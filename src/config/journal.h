// Where configuration work tells people what happens.
#pragma once

#include <string>
#include <string_view>

namespace weft::config {

// Any thread; must not block for long.
class Journal {
 public:
  // An item that could not be had: its path in the tree; what value, what rule, what to do.
  virtual void problem(std::string_view path, std::string_view reason) = 0;
  virtual void note(std::string_view path, std::string_view what) = 0;
  virtual void listening(std::string_view port) = 0;  // tcp:127.0.0.1:4420

 protected:
  ~Journal() = default;
};

}  // namespace weft::config
