#include "host/execute.h"

#include <fmt/format.h>

#include <future>

#include "base/call.h"
#include "wire/opcodes.h"

namespace weft::host {

namespace {

struct Waited : Command {
  std::promise<void> ended;
};

}  // namespace

Result<wire::Cqe> execute(Loop& loop, QueueKind kind, const wire::Sqe& sqe, std::span<std::byte> data,
                          const std::function<void(Command&)>& submit) {
  Waited command;
  const iovec piece{data.data(), data.size()};
  command.sqe = sqe;
  command.data = {&piece, data.empty() ? std::size_t{0} : std::size_t{1}};
  command.then = [](Command& ended) noexcept { static_cast<Waited&>(ended).ended.set_value(); };
  std::future<void> ended = command.ended.get_future();
  post_call(loop, [&submit, &command] { submit(command); });
  ended.wait();
  if (command.ok()) return command.cqe;
  return fail(command.error_code(),
              fmt::format("{}: {}", wire::command_name(sqe, kind == QueueKind::admin), command.failure()));
}

}  // namespace weft::host
