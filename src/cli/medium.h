// What data is copied from or to: a namespace of a target, a file or block device, standard input and output.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "cli/remote_options.h"

namespace weft::cli {

// Several threads may read or write different places of one at once, but of a stream, whose places come in
// order: see is_stream().  Errors name the medium and the place.
class Medium {
 public:
  virtual ~Medium() = default;
  virtual std::string name() const = 0;
  virtual std::optional<std::uint64_t> bytes() const = 0;  // empty: until it ends, or as much as comes
  virtual bool is_stream() const { return false; }
  // How many bytes came: fewer than asked for only at its end.
  virtual Result<std::size_t> read(std::uint64_t at, std::span<std::byte> into) = 0;
  virtual Result<> write(std::uint64_t at, std::span<const std::byte> from) = 0;
  // What was written is durable when it returns.
  virtual Result<> finish() { return {}; }
};

// A range of a namespace.  A write that ends within a block leaves the rest of the block as it is.
struct Range {
  std::uint64_t offset = 0;             // bytes, from the start of the namespace
  std::optional<std::uint64_t> length;  // bytes; empty: to its end
};
Result<std::unique_ptr<Medium>> open_namespace(std::unique_ptr<host::Namespace> remote, const Range& range);

enum class Use : std::uint8_t { source, destination };
// A path, or "-".  As a destination a file is made when there is none, and is as long as what was written.
Result<std::unique_ptr<Medium>> open_file(const std::string& path, Use use);

}  // namespace weft::cli
