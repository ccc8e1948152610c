// The changes of rows that wait to be written: the last word on each path.  One thread at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace weft::config {

class PendingRows {
 public:
  void put(const std::string& path, std::string value);
  void erase(const std::string& path);
  void add(PendingRows&& later);  // what came after these
  bool empty() const { return rows_.empty(); }

  struct Row {
    bool erases_below = false;  // first the object and all below it
    std::optional<std::string> value;
  };
  const std::map<std::string, Row>& rows() const { return rows_; }  // what is above before what is below

 private:
  std::map<std::string, Row> rows_;
};

}  // namespace weft::config
