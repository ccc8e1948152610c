// The kernel's interface to ublk that linux/ublk_cmd.h of the oldest system that builds this lacks.
#pragma once

#include <linux/ublk_cmd.h>
#include <sys/ioctl.h>

#include <cstdint>

namespace weft::ublk {

// Codes of commands since Linux 6.4; the older ones a kernel may be built without.
inline constexpr std::uint32_t kGetDeviceInfo = _IOR('u', UBLK_CMD_GET_DEV_INFO, ublksrv_ctrl_cmd);
inline constexpr std::uint32_t kAddDevice = _IOWR('u', UBLK_CMD_ADD_DEV, ublksrv_ctrl_cmd);
inline constexpr std::uint32_t kDeleteDevice = _IOWR('u', UBLK_CMD_DEL_DEV, ublksrv_ctrl_cmd);
inline constexpr std::uint32_t kStartDevice = _IOWR('u', UBLK_CMD_START_DEV, ublksrv_ctrl_cmd);
inline constexpr std::uint32_t kStopDevice = _IOWR('u', UBLK_CMD_STOP_DEV, ublksrv_ctrl_cmd);
inline constexpr std::uint32_t kSetParameters = _IOWR('u', UBLK_CMD_SET_PARAMS, ublksrv_ctrl_cmd);
inline constexpr std::uint32_t kGetFeatures = _IOR('u', 0x13, ublksrv_ctrl_cmd);  // since 6.5
inline constexpr std::uint32_t kDeleteDeviceLater = _IOR('u', 0x14, ublksrv_ctrl_cmd);
inline constexpr std::uint32_t kUpdateSize = _IOWR('u', 0x15, ublksrv_ctrl_cmd);  // data[0]: sectors

inline constexpr std::uint32_t kFetch = _IOWR('u', UBLK_IO_FETCH_REQ, ublksrv_io_cmd);
inline constexpr std::uint32_t kCommitAndFetch = _IOWR('u', UBLK_IO_COMMIT_AND_FETCH_REQ, ublksrv_io_cmd);

// Features, of the driver and of a device.
inline constexpr std::uint64_t kEncodedCodes = std::uint64_t{1} << 6;
inline constexpr std::uint64_t kSizeUpdates = std::uint64_t{1} << 10;  // since 6.16

inline constexpr std::uint16_t kNoQueue = 0xFFFF;
inline constexpr unsigned kSectorShift = 9;

}  // namespace weft::ublk
