#include "block/window.h"

#include <fmt/format.h>

#include <algorithm>

#include "block/check_request.h"
#include "block/completions.h"

namespace weft::block {

namespace {

class WindowChannel final : public FilterChannel<ChildRequest> {
 public:
  WindowChannel(Loop& loop, const WindowBackend& backend, Backend& lower, std::uint64_t first)
      : FilterChannel(loop, lower), backend_(backend), first_(first), refused_(loop) {}

  void submit(Request& request) override {
    if (const int error = check_request(backend_.geometry(), request); error != 0)
      return refused_.add(request, error);
    ChildRequest& child = adopt(request);
    if (child.op != Op::flush) child.lba += first_;
    pass_down(child);
  }

 private:
  const WindowBackend& backend_;
  const std::uint64_t first_;
  Completions refused_;
};

}  // namespace

Result<std::shared_ptr<Backend>> WindowBackend::open(std::shared_ptr<Backend> lower, std::uint64_t first,
                                                     std::uint64_t blocks) {
  const std::uint64_t there = lower->geometry().blocks;
  if (blocks == 0 || first > there || blocks > there - first)
    return fail(EINVAL,
                fmt::format("{}: the window of {} blocks from block {} does not lie within its {} blocks; "
                            "give a smaller window",
                            lower->name(), blocks, first, there));
  return std::make_shared<WindowBackend>(std::move(lower), first, blocks);
}

WindowBackend::WindowBackend(std::shared_ptr<Backend> lower_backend, std::uint64_t first,
                             std::uint64_t blocks)
    : FilterBackend(std::move(lower_backend)), first_(first), blocks_(blocks) {}

Geometry WindowBackend::geometry() const {
  Geometry geometry = lower().geometry();
  const std::uint64_t there = geometry.blocks;
  geometry.blocks = there > first_ ? std::min(blocks_, there - first_) : 0;
  return geometry;
}

std::unique_ptr<Channel> WindowBackend::open_channel(Loop& loop) {
  return std::make_unique<WindowChannel>(loop, *this, lower(), first_);
}

std::string WindowBackend::info() const {
  return fmt::format("window of {} blocks from block {} of {}", blocks_, first_, lower().info());
}

}  // namespace weft::block
