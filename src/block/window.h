// A range of a backend as a backend of its own.
#pragma once

#include "block/filter.h"

namespace weft::block {

class WindowBackend final : public FilterBackend {
 public:
  // Blocks [first, first + blocks) of `lower`, in its logical blocks.  EINVAL when they are not all there.
  static Result<std::shared_ptr<Backend>> open(std::shared_ptr<Backend> lower, std::uint64_t first,
                                               std::uint64_t blocks);

  WindowBackend(std::shared_ptr<Backend> lower, std::uint64_t first, std::uint64_t blocks);

  Geometry geometry() const override;  // shorter when the backend below has shrunk into the window
  std::unique_ptr<Channel> open_channel(Loop& loop) override;
  std::string info() const override;

 private:
  const std::uint64_t first_;
  const std::uint64_t blocks_;
};

}  // namespace weft::block
