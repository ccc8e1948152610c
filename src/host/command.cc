#include "host/command.h"

#include <fmt/format.h>

#include <cerrno>

namespace weft::host {

namespace {

struct Meaning {
  wire::Status status;
  int code;
};

// What programs know by an errno.  All else is EIO.
constexpr Meaning kMeanings[] = {
    {wire::status::kInvalidOpcode, EOPNOTSUPP},      {wire::status::kInvalidField, EINVAL},
    {wire::status::kInvalidLogPage, EINVAL},         {wire::status::kInvalidNamespace, ENODEV},
    {wire::status::kLbaOutOfRange, ENOSPC},          {wire::status::kCapacityExceeded, ENOSPC},
    {wire::status::kReservationConflict, EBUSY},     {wire::status::kNamespaceWriteProtected, EROFS},
    {wire::status::kWriteToReadOnlyRange, EROFS},    {wire::status::kCompareFailure, EILSEQ},
    {wire::status::kConnectInvalidHost, EACCES},     {wire::status::kConnectInvalidParameters, EINVAL},
    {wire::status::kConnectControllerBusy, EBUSY},   {wire::status::kFeatureNotChangeable, EPERM},
    {wire::status::kFeatureNotSaveable, EOPNOTSUPP}, {wire::status::kAuthenticationRequired, EACCES},
    {wire::status::kAbortRequested, ECANCELED},
};

}  // namespace

int error_code(wire::Status status) {
  if (status.ok()) return 0;
  for (const Meaning& row : kMeanings)
    if (row.status.is(status)) return row.code;
  return EIO;
}

std::string status_text(wire::Status status) {
  return fmt::format("{} (sct {:x}h, sc {:02x}h{})", wire::name(status), status.sct, status.sc,
                     status.dnr ? ", do not retry" : "");
}

int Command::error_code() const {
  if (end == End::lost) return cancelled_ ? ECANCELED : ENOTCONN;
  if (end == End::damaged) return EBADMSG;
  return host::error_code(cqe.decoded_status());
}

std::string Command::failure() const {
  switch (end) {
    case End::lost:
      return cancelled_ ? "it was cancelled" : "the connection was lost";
    case End::damaged:
      return "its data was damaged on the way";
    case End::completed:
      break;
  }
  return status_text(cqe.decoded_status());
}

}  // namespace weft::host
