// The status of a completion (NVMe Base 2.1, section 4.2.3: Status Code Type and Status Code).
// The constants carry the specification's names and have DNR clear; with_dnr() says "a retry is pointless".
#pragma once

#include <cstdint>
#include <string_view>

namespace weft::wire {

struct Status {
  std::uint8_t sct = 0;  // status code type: StatusType
  std::uint8_t sc = 0;   // status code within the type
  bool dnr = false;      // do not retry
  bool more = false;     // the error information log page has more about it
  std::uint8_t crd = 0;  // command retry delay: 0 none, 1 to 3 = CRDT1 to CRDT3 of Identify Controller

  constexpr bool operator==(const Status&) const = default;
  constexpr bool ok() const { return sct == 0 && sc == 0; }

  // The same type and code, whatever the flags say.
  constexpr bool is(Status other) const { return sct == other.sct && sc == other.sc; }

  constexpr Status with_dnr(bool value = true) const { return {sct, sc, value, more, crd}; }
  constexpr Status with_more(bool value = true) const { return {sct, sc, dnr, value, crd}; }
  constexpr Status with_crd(std::uint8_t value) const { return {sct, sc, dnr, more, value}; }

  // Bits 31:16 of completion dword 3, with the phase tag (bit 0) clear.
  constexpr std::uint16_t encode() const {
    return static_cast<std::uint16_t>(sc << 1 | (sct & 7) << 9 | (crd & 3) << 12 | (more ? 1 : 0) << 14 |
                                      (dnr ? 1 : 0) << 15);
  }
  // The phase tag is ignored.
  static constexpr Status decode(std::uint16_t field) {
    return {.sct = static_cast<std::uint8_t>(field >> 9 & 7),
            .sc = static_cast<std::uint8_t>(field >> 1),
            .dnr = (field >> 15 & 1) != 0,
            .more = (field >> 14 & 1) != 0,
            .crd = static_cast<std::uint8_t>(field >> 12 & 3)};
  }
};

enum class StatusType : std::uint8_t {
  generic = 0,
  command_specific = 1,
  media = 2,
  path = 3,
  vendor_specific = 7,
};

// The specification's name ("Invalid Field in Command"); "Unknown" for a code that it does not define.
// Codes whose meaning depends on the command (SCT 1, SC 80h to BFh) have the Fabrics meaning first.
std::string_view name(Status status);

namespace status {

constexpr Status generic(std::uint8_t sc) {
  return {.sct = 0, .sc = sc};
}
constexpr Status specific(std::uint8_t sc) {
  return {.sct = 1, .sc = sc};
}
constexpr Status media(std::uint8_t sc) {
  return {.sct = 2, .sc = sc};
}
constexpr Status path(std::uint8_t sc) {
  return {.sct = 3, .sc = sc};
}

// Generic command status.
inline constexpr Status kSuccess = generic(0x00);
inline constexpr Status kInvalidOpcode = generic(0x01);
inline constexpr Status kInvalidField = generic(0x02);
inline constexpr Status kCommandIdConflict = generic(0x03);
inline constexpr Status kDataTransferError = generic(0x04);
inline constexpr Status kPowerLoss = generic(0x05);
inline constexpr Status kInternalError = generic(0x06);
inline constexpr Status kAbortRequested = generic(0x07);
inline constexpr Status kAbortedSqDeletion = generic(0x08);
inline constexpr Status kAbortedFailedFused = generic(0x09);
inline constexpr Status kAbortedMissingFused = generic(0x0A);
inline constexpr Status kInvalidNamespace = generic(0x0B);
inline constexpr Status kCommandSequenceError = generic(0x0C);
inline constexpr Status kInvalidSglSegment = generic(0x0D);
inline constexpr Status kInvalidNumberOfSglDescriptors = generic(0x0E);
inline constexpr Status kDataSglLengthInvalid = generic(0x0F);
inline constexpr Status kMetadataSglLengthInvalid = generic(0x10);
inline constexpr Status kSglDescriptorTypeInvalid = generic(0x11);
inline constexpr Status kInvalidUseOfCmb = generic(0x12);
inline constexpr Status kPrpOffsetInvalid = generic(0x13);
inline constexpr Status kAtomicWriteUnitExceeded = generic(0x14);
inline constexpr Status kOperationDenied = generic(0x15);
inline constexpr Status kSglOffsetInvalid = generic(0x16);
inline constexpr Status kHostIdInconsistentFormat = generic(0x18);
inline constexpr Status kKeepAliveTimerExpired = generic(0x19);
inline constexpr Status kKeepAliveTimeoutInvalid = generic(0x1A);
inline constexpr Status kAbortedPreemptAndAbort = generic(0x1B);
inline constexpr Status kSanitizeFailed = generic(0x1C);
inline constexpr Status kSanitizeInProgress = generic(0x1D);
inline constexpr Status kSglGranularityInvalid = generic(0x1E);
inline constexpr Status kNotSupportedForCmbQueue = generic(0x1F);
inline constexpr Status kNamespaceWriteProtected = generic(0x20);
inline constexpr Status kCommandInterrupted = generic(0x21);
inline constexpr Status kTransientTransportError = generic(0x22);
inline constexpr Status kProhibitedByLockdown = generic(0x23);
inline constexpr Status kAdminMediaNotReady = generic(0x24);
inline constexpr Status kInvalidKeyTag = generic(0x25);
inline constexpr Status kHostDispersedNotEnabled = generic(0x26);
inline constexpr Status kHostIdNotInitialized = generic(0x27);
inline constexpr Status kIncorrectKey = generic(0x28);
inline constexpr Status kFdpDisabled = generic(0x29);
inline constexpr Status kInvalidPlacementHandles = generic(0x2A);
inline constexpr Status kLbaOutOfRange = generic(0x80);
inline constexpr Status kCapacityExceeded = generic(0x81);
inline constexpr Status kNamespaceNotReady = generic(0x82);
inline constexpr Status kReservationConflict = generic(0x83);
inline constexpr Status kFormatInProgress = generic(0x84);

// Command specific status.
inline constexpr Status kCompletionQueueInvalid = specific(0x00);
inline constexpr Status kInvalidQueueId = specific(0x01);
inline constexpr Status kInvalidQueueSize = specific(0x02);
inline constexpr Status kAbortLimitExceeded = specific(0x03);
inline constexpr Status kAsyncEventLimitExceeded = specific(0x05);
inline constexpr Status kInvalidFirmwareSlot = specific(0x06);
inline constexpr Status kInvalidFirmwareImage = specific(0x07);
inline constexpr Status kInvalidInterruptVector = specific(0x08);
inline constexpr Status kInvalidLogPage = specific(0x09);
inline constexpr Status kInvalidFormat = specific(0x0A);
inline constexpr Status kFirmwareNeedsConventionalReset = specific(0x0B);
inline constexpr Status kInvalidQueueDeletion = specific(0x0C);
inline constexpr Status kFeatureNotSaveable = specific(0x0D);
inline constexpr Status kFeatureNotChangeable = specific(0x0E);
inline constexpr Status kFeatureNotNamespaceSpecific = specific(0x0F);
inline constexpr Status kFirmwareNeedsSubsystemReset = specific(0x10);
inline constexpr Status kFirmwareNeedsControllerReset = specific(0x11);
inline constexpr Status kFirmwareNeedsMaxTime = specific(0x12);
inline constexpr Status kFirmwareActivationProhibited = specific(0x13);
inline constexpr Status kOverlappingRange = specific(0x14);
inline constexpr Status kNamespaceInsufficientCapacity = specific(0x15);
inline constexpr Status kNamespaceIdUnavailable = specific(0x16);
inline constexpr Status kNamespaceAlreadyAttached = specific(0x18);
inline constexpr Status kNamespaceIsPrivate = specific(0x19);
inline constexpr Status kNamespaceNotAttached = specific(0x1A);
inline constexpr Status kThinProvisioningNotSupported = specific(0x1B);
inline constexpr Status kControllerListInvalid = specific(0x1C);
inline constexpr Status kSelfTestInProgress = specific(0x1D);
inline constexpr Status kBootPartitionWriteProhibited = specific(0x1E);
inline constexpr Status kInvalidControllerId = specific(0x1F);
inline constexpr Status kInvalidSecondaryControllerState = specific(0x20);
inline constexpr Status kInvalidControllerResources = specific(0x21);
inline constexpr Status kInvalidResourceId = specific(0x22);
inline constexpr Status kSanitizeProhibitedPmr = specific(0x23);
inline constexpr Status kAnaGroupIdInvalid = specific(0x24);
inline constexpr Status kAnaAttachFailed = specific(0x25);
inline constexpr Status kInsufficientCapacity = specific(0x26);
inline constexpr Status kNamespaceAttachmentLimit = specific(0x27);
inline constexpr Status kProhibitionNotSupported = specific(0x28);
inline constexpr Status kIoCommandSetNotSupported = specific(0x29);
inline constexpr Status kIoCommandSetNotEnabled = specific(0x2A);
inline constexpr Status kIoCommandSetCombination = specific(0x2B);
inline constexpr Status kInvalidIoCommandSet = specific(0x2C);
inline constexpr Status kIdentifierUnavailable = specific(0x2D);
inline constexpr Status kNamespaceIsDispersed = specific(0x2E);
inline constexpr Status kInvalidDiscoveryInformation = specific(0x2F);

// Fabrics commands.
inline constexpr Status kConnectIncompatibleFormat = specific(0x80);
inline constexpr Status kConnectControllerBusy = specific(0x81);
inline constexpr Status kConnectInvalidParameters = specific(0x82);
inline constexpr Status kConnectRestartDiscovery = specific(0x83);
inline constexpr Status kConnectInvalidHost = specific(0x84);
inline constexpr Status kInvalidQueueType = specific(0x85);  // Disconnect
inline constexpr Status kDiscoverRestart = specific(0x90);
inline constexpr Status kAuthenticationRequired = specific(0x91);

// NVM command set.
inline constexpr Status kConflictingAttributes = specific(0x80);
inline constexpr Status kInvalidProtectionInformation = specific(0x81);
inline constexpr Status kWriteToReadOnlyRange = specific(0x82);
inline constexpr Status kCommandSizeLimitExceeded = specific(0x83);

// Media and data integrity errors.
inline constexpr Status kWriteFault = media(0x80);
inline constexpr Status kUnrecoveredReadError = media(0x81);
inline constexpr Status kGuardCheckError = media(0x82);
inline constexpr Status kApplicationTagCheckError = media(0x83);
inline constexpr Status kReferenceTagCheckError = media(0x84);
inline constexpr Status kCompareFailure = media(0x85);
inline constexpr Status kAccessDenied = media(0x86);
inline constexpr Status kDeallocatedOrUnwritten = media(0x87);
inline constexpr Status kStorageTagCheckError = media(0x88);

// Path related status: a multipath host tries another path.
inline constexpr Status kInternalPathError = path(0x00);
inline constexpr Status kAnaPersistentLoss = path(0x01);
inline constexpr Status kAnaInaccessible = path(0x02);
inline constexpr Status kAnaTransition = path(0x03);
inline constexpr Status kControllerPathingError = path(0x60);
inline constexpr Status kHostPathingError = path(0x70);
inline constexpr Status kAbortedByHost = path(0x71);

}  // namespace status
}  // namespace weft::wire
