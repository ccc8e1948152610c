#include "config/pending_rows.h"

namespace weft::config {

void PendingRows::put(const std::string& path, std::string value) {
  rows_[path].value = std::move(value);
}

void PendingRows::erase(const std::string& path) {
  const std::string below = path + "/";
  auto it = rows_.lower_bound(below);
  while (it != rows_.end() && it->first.starts_with(below)) it = rows_.erase(it);
  rows_[path] = {.erases_below = true, .value = std::nullopt};
}

void PendingRows::add(PendingRows&& later) {
  for (auto& [path, row] : later.rows_) {
    if (row.erases_below) erase(path);
    if (row.value) put(path, std::move(*row.value));
  }
}

}  // namespace weft::config
