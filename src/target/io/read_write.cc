#include <cstring>

#include "base/planted.h"
#include "base/reached.h"
#include "target/controller.h"
#include "target/io/handlers.h"
#include "target/io/range.h"
#include "target/queue.h"
#include "wire/io_command.h"

namespace weft::target::io {

using namespace wire::status;

namespace {

void set_range(Request& request, block::Op op, const wire::LbaRange& range) {
  request.io.op = op;
  request.io.lba = range.slba;
  request.io.blocks = range.blocks;
}

void send_read_data(Request& request) {
  QueueCounters& counters = request.queue.counters();
  const std::size_t bytes = request.pointer.length;  // that of the range: see data_bytes()
  counters.reads.add(1);
  counters.read_bytes.add(bytes);
  request.complete_data(bytes);
}

void submit_read(Request& request) {
  request.io.op = block::Op::read;
  request.io.data = request.buffers.pieces();
  request.run_io(&send_read_data);
}

void send_loan(Request& request) {
  request.io.loan = nullptr;
  if (request.loan.is_given()) return send_read_data(request);
  request.take_buffers(request.pointer.length, &submit_read);
}

void submit_for_loan(Request& request) {
  request.io.loan = &request.loan;
  request.run_io(&send_loan);
}

// FUA on a read: what is still in a cache is made durable before it is returned.
void flush_and_read(Request& request) {
  request.io.op = block::Op::flush;
  request.run_io(&submit_read);
}

void written(Request& request) {
  QueueCounters& counters = request.queue.counters();
  counters.writes.add(1);
  counters.written_bytes.add(request.buffers.bytes());
  request.complete();
}

void submit_write(Request& request) {
  if (planted(Bug::torn_write) && request.io.blocks > 4) request.io.blocks /= 2;
  request.io.data = request.buffers.pieces();
  request.run_io(&written);
}

}  // namespace

void read(Request& request) {
  const auto command = wire::parse_read(request.sqe());
  if (!command) return request.complete(command.error());
  const auto bytes = data_bytes(request, command->range);
  if (!bytes) return request.complete(bytes.error());
  set_range(request, block::Op::read, command->range);
  const bool flush_first = command->fua && request.ns->info().geometry.volatile_cache;
  if (!flush_first && request.ns->channel().lends()) return submit_for_loan(request);
  request.take_buffers(*bytes, flush_first ? &flush_and_read : &submit_read);
}

void write(Request& request) {
  const auto command = wire::parse_write(request.sqe());
  if (!command) return request.complete(command.error());
  const auto bytes = data_bytes(request, command->range);
  if (!bytes) return request.complete(bytes.error());
  set_range(request, block::Op::write, command->range);
  request.io.fua = command->fua || !request.queue.controller().write_cache();
  if (planted(Bug::dropped_fua)) request.io.fua = false;
  request.receive_data(*bytes, &submit_write);
}

void write_zeroes(Request& request) {
  const auto command = wire::parse_write_zeroes(request.sqe());
  if (!command) return request.complete(command.error());
  if (command->whole_namespace) {
    WEFT_REACHED("target.zeroes_of_whole_namespace");
    return request.complete(kInvalidField.with_dnr());
  }
  if (const auto fits = check_range(request, command->range); !fits) return request.complete(fits.error());
  set_range(request, block::Op::write_zeroes, command->range);
  request.io.fua = command->fua || !request.queue.controller().write_cache();
  request.io.may_unmap = command->deallocate;
  request.run_io([](Request& done) { done.complete(); });
}

}  // namespace weft::target::io
