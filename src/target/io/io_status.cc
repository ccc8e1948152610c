#include "target/io/io_status.h"

#include <cerrno>

namespace weft::target {

using namespace wire::status;

wire::Status status_of_error(block::Op op, int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return kCapacityExceeded.with_dnr();
    case ENOMEM:
    case EAGAIN:
    case EINTR:
    case ENOBUFS:
      return kNamespaceNotReady;  // the host tries again
    case EROFS:
      return kNamespaceWriteProtected.with_dnr();
    case ERANGE:
      return kLbaOutOfRange.with_dnr();
    case ENODEV:
    case ENXIO:
    case ETIMEDOUT:
    case ESTALE:
      return kInternalPathError;
    case EOPNOTSUPP:
      return kInvalidOpcode.with_dnr();
    case EIO:
    case EBADMSG:
    default:
      switch (op) {
        case block::Op::read:
          return kUnrecoveredReadError;
        case block::Op::write:
        case block::Op::write_zeroes:
        case block::Op::flush:
          return kWriteFault;
        case block::Op::discard:
          return kInternalError;
      }
  }
  return kInternalError;
}

}  // namespace weft::target
