#include "base/planted.h"
#include "base/reached.h"
#include "target/io/handlers.h"
#include "target/queue.h"
#include "target/view.h"

namespace weft::target::io {

using namespace wire::status;

namespace {

void flush_one(Request& request, NamespaceView& ns, Step next) {
  if (const wire::Status refused = ana_status(request.queue.ana_state(ns.info())); !refused.ok()) {
    WEFT_REACHED("target.flush_by_inaccessible_path");
    return request.complete(refused);
  }
  request.ns = &ns;
  ns.enter();
  request.io.op = block::Op::flush;
  request.run_io(next);
}

// NSID FFFFFFFFh: every namespace, in the order of their ids.  scratch[0] is the id of the last one.
void flush_next(Request& request) {
  if (request.ns != nullptr) {
    request.ns->leave();
    request.ns = nullptr;
  }
  for (const auto& ns : request.queue.view().namespaces()) {
    if (ns->info().nsid.value() <= request.scratch[0]) continue;
    request.scratch[0] = ns->info().nsid.value();
    return flush_one(request, *ns, &flush_next);
  }
  request.complete();
}

}  // namespace

void flush(Request& request) {
  if (planted(Bug::dropped_flush)) return request.complete();
  const Nsid nsid{request.sqe().nsid};
  if (nsid == kAllNamespaces) return flush_next(request);
  NamespaceView* ns = request.queue.view().find(nsid);
  if (ns == nullptr) return request.complete(wire::CommandError{kInvalidNamespace.with_dnr(), 4, 0});
  flush_one(request, *ns, [](Request& done) { done.complete(); });
}

}  // namespace weft::target::io
