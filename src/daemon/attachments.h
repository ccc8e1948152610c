// Namespaces of any target that this process is a host of, and shows to this machine.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "fabric/initiator.h"
#include "host/options.h"
#include "host/path.h"
#include "host/remote_backend.h"
#include "reactor/reactor.h"

namespace weft::daemon {

struct AttachRequest {
  std::string transport;  // tcp, loop
  std::string subnqn;
  std::vector<fabric::ListenOptions> addresses;  // ways to it, canonical or not
  host::Identity identity;
  std::uint32_t nsid = 0;  // 0: the only one
  std::string as = "nbd";  // of local_device_kinds()
  bool header_digest = false;
  bool data_digest = false;
};

// As what programs find it.
struct Attached {
  std::string name;  // "1"
  std::string transport;
  std::string subnqn;
  std::uint32_t nsid = 0;
  std::uint64_t bytes = 0;
  std::uint32_t block_bytes = 0;
  std::string as;
  std::string path;     // a socket or a file
  std::string address;  // as programs take it
  std::uint32_t clients = 0;
  std::vector<host::PathState> paths;
  bool is_gone = false;  // all paths, for good
};

// Any thread but a loop's; calls may block for a target.
class Attachments {
 public:
  // All of it outlives this.
  Attachments(reactor::Reactors& reactors, std::vector<fabric::Initiator*> initiators);
  ~Attachments();  // detaches all
  Attachments(const Attachments&) = delete;
  Attachments& operator=(const Attachments&) = delete;

  // The same namespace by the same way a second time: EEXIST.
  Result<Attached> attach(const AttachRequest& request);
  // ENOENT; by its name.  Clients' connections end; what was acknowledged to them is at the target.
  Result<> detach(const std::string& name);
  std::vector<Attached> all() const;

 private:
  struct Attachment;
  Result<std::shared_ptr<Attachment>> make(const AttachRequest& request, const std::string& name);

  reactor::Reactors& reactors_;
  const std::vector<fabric::Initiator*> initiators_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Attachment>> attachments_;
  std::size_t making_ = 0;
  std::set<std::shared_ptr<host::RemoteBackend>> being_shown_;  // a device may read it before it is there
  bool over_ = false;
  std::uint64_t next_ = 1;
};

}  // namespace weft::daemon
