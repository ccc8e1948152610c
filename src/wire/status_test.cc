#include "wire/status.h"

#include <gtest/gtest.h>
#include <libnvme.h>

#include "wire/command_error.h"
#include "wire/opcodes.h"

namespace weft::wire {
namespace {

TEST(Status, EveryValueSurvivesTheWire) {
  for (unsigned field = 0; field <= 0xFFFF; ++field) {
    const auto raw = static_cast<std::uint16_t>(field);
    ASSERT_EQ(Status::decode(raw).encode(), raw & 0xFFFE);
  }
}

// libnvme keeps the status without the phase tag, as the kernel gives it.
TEST(Status, SameAsLibnvme) {
  const struct {
    Status ours;
    unsigned theirs;
  } rows[] = {
      {status::kSuccess, NVME_SC_SUCCESS},
      {status::kInvalidOpcode, NVME_SC_INVALID_OPCODE},
      {status::kInvalidField, NVME_SC_INVALID_FIELD},
      {status::kCommandIdConflict, NVME_SC_CMDID_CONFLICT},
      {status::kDataTransferError, NVME_SC_DATA_XFER_ERROR},
      {status::kInternalError, NVME_SC_INTERNAL},
      {status::kAbortRequested, NVME_SC_ABORT_REQ},
      {status::kAbortedSqDeletion, NVME_SC_ABORT_QUEUE},
      {status::kAbortedFailedFused, NVME_SC_FUSED_FAIL},
      {status::kAbortedMissingFused, NVME_SC_FUSED_MISSING},
      {status::kInvalidNamespace, NVME_SC_INVALID_NS},
      {status::kCommandSequenceError, NVME_SC_CMD_SEQ_ERROR},
      {status::kInvalidSglSegment, NVME_SC_SGL_INVALID_LAST},
      {status::kInvalidNumberOfSglDescriptors, NVME_SC_SGL_INVALID_COUNT},
      {status::kDataSglLengthInvalid, NVME_SC_SGL_INVALID_DATA},
      {status::kSglDescriptorTypeInvalid, NVME_SC_SGL_INVALID_TYPE},
      {status::kSglOffsetInvalid, NVME_SC_SGL_INVALID_OFFSET},
      {status::kHostIdInconsistentFormat, NVME_SC_HOSTID_FORMAT},
      {status::kKeepAliveTimerExpired, NVME_SC_KAT_EXPIRED},
      {status::kKeepAliveTimeoutInvalid, NVME_SC_KAT_INVALID},
      {status::kNamespaceWriteProtected, NVME_SC_NS_WRITE_PROTECTED},
      {status::kCommandInterrupted, NVME_SC_CMD_INTERRUPTED},
      {status::kTransientTransportError, NVME_SC_TRAN_TPORT_ERROR},
      {status::kLbaOutOfRange, NVME_SC_LBA_RANGE},
      {status::kCapacityExceeded, NVME_SC_CAP_EXCEEDED},
      {status::kNamespaceNotReady, NVME_SC_NS_NOT_READY},
      {status::kReservationConflict, NVME_SC_RESERVATION_CONFLICT},
      {status::kInvalidQueueId, NVME_SC_QID_INVALID | 0x100},
      {status::kAbortLimitExceeded, NVME_SC_ABORT_LIMIT | 0x100},
      {status::kAsyncEventLimitExceeded, NVME_SC_ASYNC_LIMIT | 0x100},
      {status::kInvalidLogPage, NVME_SC_INVALID_LOG_PAGE | 0x100},
      {status::kFeatureNotSaveable, NVME_SC_FEATURE_NOT_SAVEABLE | 0x100},
      {status::kFeatureNotChangeable, NVME_SC_FEATURE_NOT_CHANGEABLE | 0x100},
      {status::kFeatureNotNamespaceSpecific, NVME_SC_FEATURE_NOT_PER_NS | 0x100},
      {status::kInvalidIoCommandSet, NVME_SC_INVALID_IOCS | 0x100},
      {status::kConnectIncompatibleFormat, NVME_SC_CONNECT_FORMAT | 0x100},
      {status::kConnectControllerBusy, NVME_SC_CONNECT_CTRL_BUSY | 0x100},
      {status::kConnectInvalidParameters, NVME_SC_CONNECT_INVALID_PARAM | 0x100},
      {status::kConnectRestartDiscovery, NVME_SC_CONNECT_RESTART_DISC | 0x100},
      {status::kConnectInvalidHost, NVME_SC_CONNECT_INVALID_HOST | 0x100},
      {status::kInvalidQueueType, NVME_SC_DISCONNECT_INVALID_QTYPE | 0x100},
      {status::kAuthenticationRequired, NVME_SC_AUTH_REQUIRED | 0x100},
      {status::kCommandSizeLimitExceeded, NVME_SC_CMD_SIZE_LIMIT_EXCEEDED | 0x100},
      {status::kWriteFault, NVME_SC_WRITE_FAULT | 0x200},
      {status::kUnrecoveredReadError, NVME_SC_READ_ERROR | 0x200},
      {status::kCompareFailure, NVME_SC_COMPARE_FAILED | 0x200},
      {status::kDeallocatedOrUnwritten, NVME_SC_UNWRITTEN_BLOCK | 0x200},
      {status::kInternalPathError, NVME_SC_ANA_INTERNAL_PATH_ERROR | 0x300},
      {status::kAnaPersistentLoss, NVME_SC_ANA_PERSISTENT_LOSS | 0x300},
      {status::kAnaInaccessible, NVME_SC_ANA_INACCESSIBLE | 0x300},
      {status::kAnaTransition, NVME_SC_ANA_TRANSITION | 0x300},
      {status::kControllerPathingError, NVME_SC_CTRL_PATH_ERROR | 0x300},
      {status::kAbortedByHost, NVME_SC_CMD_ABORTED_BY_HOST | 0x300},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(row.ours.encode() >> 1, row.theirs) << name(row.ours);
    EXPECT_EQ(row.ours.with_dnr().encode() >> 1, row.theirs | NVME_SC_DNR);
    EXPECT_EQ(row.ours.with_more().encode() >> 1, row.theirs | NVME_SC_MORE);
    EXPECT_EQ(row.ours.with_crd(3).encode() >> 1, row.theirs | NVME_SC_CRD);
  }
}

TEST(Status, ComparesWithAndWithoutFlags) {
  EXPECT_TRUE(status::kSuccess.ok());
  EXPECT_TRUE(status::kSuccess.with_more().ok());
  EXPECT_FALSE(status::kInternalPathError.ok());
  EXPECT_NE(status::kInvalidField, status::kInvalidField.with_dnr());
  EXPECT_TRUE(status::kInvalidField.is(status::kInvalidField.with_dnr()));
  EXPECT_FALSE(status::kWriteFault.is(status::kLbaOutOfRange));
  EXPECT_EQ(status::kInvalidField.with_dnr().with_dnr(false), status::kInvalidField);
}

TEST(Status, Names) {
  EXPECT_EQ(name(status::kInvalidField.with_dnr()), "Invalid Field in Command");
  EXPECT_EQ(name(status::kConnectInvalidParameters), "Connect Invalid Parameters");
  EXPECT_EQ(name(status::kCompareFailure), "Compare Failure");
  EXPECT_EQ(name(status::kAnaTransition), "Asymmetric Access Transition");
  EXPECT_EQ(name(Status{.sct = 0, .sc = 0x17}), "Unknown");
  EXPECT_EQ(name(Status{.sct = 7, .sc = 0x00}), "Unknown");
}

TEST(CommandError, LocationHoldsByteAndBit) {
  EXPECT_EQ(refuse(status::kInvalidField, 44, 7).error().location(), 0x072C);
  EXPECT_EQ(refuse(status::kInvalidField).error().location(), 0xFFFF);
  EXPECT_TRUE(refuse(status::kInvalidField).error().status.dnr);
}

TEST(Opcodes, NamesAndDirections) {
  EXPECT_EQ(name(AdminOpcode::identify), "Identify");
  EXPECT_EQ(name(AdminOpcode::async_event_request), "Asynchronous Event Request");
  EXPECT_EQ(name(static_cast<AdminOpcode>(0x03)), "Unknown");
  EXPECT_EQ(name(IoOpcode::dataset_management), "Dataset Management");
  EXPECT_EQ(name(static_cast<IoOpcode>(0xFF)), "Unknown");
  EXPECT_EQ(name(FabricsType::property_get), "Property Get");
  EXPECT_EQ(name(static_cast<FabricsType>(2)), "Unknown");
  EXPECT_EQ(data_direction(static_cast<std::uint8_t>(IoOpcode::write)), DataDirection::host_to_controller);
  EXPECT_EQ(data_direction(static_cast<std::uint8_t>(IoOpcode::read)), DataDirection::controller_to_host);
  EXPECT_EQ(data_direction(static_cast<std::uint8_t>(IoOpcode::flush)), DataDirection::none);
  EXPECT_EQ(data_direction(static_cast<std::uint8_t>(FabricsType::connect)),
            DataDirection::host_to_controller);
}

}  // namespace
}  // namespace weft::wire
