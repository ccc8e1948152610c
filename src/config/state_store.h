// What is made up once and then has to stay: unit serials of backends, ids of ports.  Kept in one small file
// of a directory, which processes may share.  Without a usable directory it lives in memory alone.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"

namespace weft::config {

class StateStore {
 public:
  // The directory that is meant when none is given: $STATE_DIRECTORY, else $XDG_STATE_HOME/weft, else
  // ~/.local/state/weft; empty when there is none of them.
  static std::string default_directory();

  // An empty directory name: in memory.  The directory is made with the first thing to keep.
  explicit StateStore(std::string directory) : directory_(std::move(directory)) {}
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  // Reads what there is.  Call once, before the rest.  An error leaves a store in memory: what it gives out
  // does not survive the process.
  Result<> load();

  // Makes the serials and port ids (1 to 65535) that these names do not have yet, in one write to the disk.
  // An error says what is not kept; then they are made in memory.  ENOSPC when there are no port ids left:
  // all else is made and kept.  Any thread.
  Result<> assure(const std::vector<std::string>& devices, const std::vector<std::string>& ports);

  // Of a name that was assured: the same for ever.  A port id of 0: all are given out.  Any thread.
  Uuid unit_serial(const std::string& device) const;
  PortId port_id(const std::string& port) const;

  // Who has the id; empty: nobody.  Any thread.
  std::string port_of(PortId id) const;
  // Gives a port this id from now on.  Whoever had it gets another when it is assured again.  Errors as in
  // assure.  Any thread.
  Result<> assign(const std::string& port, PortId id);

  static Uuid random_uuid();  // version 4

 private:
  struct Content {
    std::map<std::string, Uuid> serials;
    std::map<std::string, PortId> ports;
  };
  static Result<Content> read(const std::string& path);
  static Result<> write(const std::string& directory, const Content& content);
  // False: there was no id left for some port.
  static bool add(Content& content, const std::vector<std::string>& devices,
                  const std::vector<std::string>& ports);
  bool has_all(const std::vector<std::string>& devices, const std::vector<std::string>& ports) const;
  static void give(Content& content, const std::string& port, PortId id);
  std::string path() const { return directory_ + "/state.json"; }

  // What `change` makes of the file, under a lock that all processes take, is then what there is.  False as
  // from `change`.  mutex_ is held.
  Result<bool> change_file(const std::function<bool(Content&)>& change);

  std::string directory_;
  mutable std::mutex mutex_;
  Content content_;
};

}  // namespace weft::config
