// A namespace as Linux nvmet knows it: `enable` opens the backend that its device_path says, and closes it.
#pragma once

#include <memory>

#include "base/ids.h"
#include "config/model.h"
#include "config/tree.h"

namespace weft::config {

// Any thread but a loop's; the model outlives the answers.  Enabling answers with what the open gives; one
// that is enabled already stays so.  EINVAL: there is no device_path.
void enable_namespace(Model& model, const std::shared_ptr<Tenant>& tenant, Nsid nsid, Answer answer);

// Answers when no command can touch the backend, and when it is closed if it goes with the namespace.
void disable_namespace(Tenant& tenant, Nsid nsid, Answer answer);

// With a backend that still opens.  Returns at once; the rest goes on behind.
Result<> remove_kernel_namespace(Model& model, Tenant& tenant, Nsid nsid);

}  // namespace weft::config
