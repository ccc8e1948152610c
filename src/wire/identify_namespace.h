// Identify data structures about namespaces (NVMe Base 2.1, section 5.1.13; NVM Command Set 1.1,
// section 4.1.5). Included by identify.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/endian.h"

namespace weft::wire {

inline constexpr std::size_t kIdentifySize = 4096;

enum class CommandSet : std::uint8_t { nvm = 0x00, key_value = 0x01, zoned = 0x02 };  // CSI

struct LbaFormat {
  le16 ms;
  std::uint8_t lbads;  // 2^n bytes
  std::uint8_t rp;
};
static_assert(sizeof(LbaFormat) == 4);

// CNS 00h (and 11h)
struct IdentifyNamespace {
  le64 nsze;  // blocks
  le64 ncap;
  le64 nuse;
  std::uint8_t nsfeat;  // kNsfeat...
  std::uint8_t nlbaf;   // zero-based
  std::uint8_t flbas;
  std::uint8_t mc;
  std::uint8_t dpc;
  std::uint8_t dps;
  std::uint8_t nmic;  // bit 0: shared
  std::uint8_t rescap;
  std::uint8_t fpi;
  std::uint8_t dlfeat;  // kDlfeat...
  le16 nawun;
  le16 nawupf;
  le16 nacwu;
  le16 nabsn;
  le16 nabo;
  le16 nabspf;
  le16 noiob;
  le128 nvmcap;
  le16 npwg;  // zero-based, as npwa, npdg, npda, nows
  le16 npwa;
  le16 npdg;
  le16 npda;
  le16 nows;
  le16 mssrl;
  le32 mcl;
  std::uint8_t msrc;
  std::uint8_t kpios;
  std::uint8_t nulbaf;
  std::uint8_t reserved83;
  le32 kpiodaag;
  std::uint8_t reserved88[4];
  le32 anagrpid;
  std::uint8_t reserved96[3];
  std::uint8_t nsattr;  // kNsattrWriteProtected
  le16 nvmsetid;
  le16 endgid;
  std::uint8_t nguid[16];
  std::uint8_t eui64[8];
  LbaFormat lbaf[64];
  std::uint8_t vs[3712];
};
static_assert(sizeof(IdentifyNamespace) == kIdentifySize && WireStruct<IdentifyNamespace>);
static_assert(offsetof(IdentifyNamespace, nvmcap) == 48 && offsetof(IdentifyNamespace, anagrpid) == 92);
static_assert(offsetof(IdentifyNamespace, nguid) == 104 && offsetof(IdentifyNamespace, lbaf) == 128);

inline constexpr std::uint8_t kNsfeatThin = 1 << 0;
inline constexpr std::uint8_t kNsfeatAtomics = 1 << 1;           // NAWUN, NAWUPF, NACWU are this namespace's
inline constexpr std::uint8_t kNsfeatDeallocatedError = 1 << 2;  // DAE
inline constexpr std::uint8_t kNsfeatIdentifiersNotReused = 1 << 3;  // UIDREUSE
inline constexpr std::uint8_t kNsfeatOptimalPerformance = 1 << 4;    // OPTPERF: NPWG, NPWA, NPDG, NPDA, NOWS
inline constexpr std::uint8_t kNmicShared = 1 << 0;
inline constexpr std::uint8_t kDlfeatReadsZeroes = 1 << 0;      // bits 2:0 = 001b
inline constexpr std::uint8_t kDlfeatWriteZeroesDeac = 1 << 3;  // Write Zeroes with DEAC deallocates
inline constexpr std::uint8_t kNsattrWriteProtected = 1 << 0;
inline constexpr std::uint8_t kRescapPersistThroughPowerLoss = 1 << 0;
inline constexpr std::uint8_t kRescapAllTypes = 0x7E;  // write exclusive and exclusive access, all variants
inline constexpr std::uint8_t kRescapIgnoreExistingKey13 = 1 << 7;

// CNS 02h, 07h, 10h: ascending, 0 ends the list.
struct NamespaceList {
  le32 nsid[1024];
};
static_assert(sizeof(NamespaceList) == kIdentifySize);

// CNS 03h: descriptors one after the other; a zero length ends the list.
enum class NamespaceIdType : std::uint8_t { eui64 = 1, nguid = 2, uuid = 3, csi = 4 };
struct NamespaceIdDescriptor {
  std::uint8_t nidt;  // NamespaceIdType
  std::uint8_t nidl;  // bytes that follow
  std::uint8_t reserved[2];
};
static_assert(sizeof(NamespaceIdDescriptor) == 4);

// Writes CNS 03h into a zeroed page; each add returns false, having written nothing, when the page is full.
class NamespaceIdWriter {
 public:
  explicit NamespaceIdWriter(std::span<std::byte, kIdentifySize> page) : page_(page) {}
  bool add_eui64(std::span<const std::uint8_t, 8> eui64) { return add(NamespaceIdType::eui64, eui64); }
  bool add_nguid(std::span<const std::uint8_t, 16> nguid) { return add(NamespaceIdType::nguid, nguid); }
  bool add_uuid(std::span<const std::uint8_t, 16> uuid) { return add(NamespaceIdType::uuid, uuid); }
  bool add_csi(CommandSet csi) {
    const std::uint8_t value = static_cast<std::uint8_t>(csi);
    return add(NamespaceIdType::csi, std::span(&value, 1));
  }
  std::size_t used() const { return used_; }

 private:
  bool add(NamespaceIdType type, std::span<const std::uint8_t> id);

  std::span<std::byte, kIdentifySize> page_;
  std::size_t used_ = 0;
};

// CNS 05h for the NVM command set
struct IdentifyNvmNamespace {
  le64 lbstm;
  std::uint8_t pic;
  std::uint8_t pifa;
  std::uint8_t reserved10[2];
  le32 elbaf[64];
  le32 npdgl;
  le32 nprg;
  le32 npra;
  le32 nors;
  le32 npdal;
  le32 lbapss;
  le32 tlbaag;
  std::uint8_t reserved296[3800];
};
static_assert(sizeof(IdentifyNvmNamespace) == kIdentifySize);
static_assert(offsetof(IdentifyNvmNamespace, elbaf) == 12 && offsetof(IdentifyNvmNamespace, npdgl) == 268);

// CNS 08h
struct IdentifyIndependentNamespace {
  std::uint8_t nsfeat;  // bits 3 and 4 as above; kIndependentNsfeatVwcNotPresent
  std::uint8_t nmic;
  std::uint8_t rescap;
  std::uint8_t fpi;
  le32 anagrpid;
  std::uint8_t nsattr;
  std::uint8_t reserved9;
  le16 nvmsetid;
  le16 endgid;
  std::uint8_t nstat;  // kNstatReady
  std::uint8_t kpios;
  le16 maxkt;
  std::uint8_t reserved18[2];
  le32 rgrpid;
  std::uint8_t reserved24[4072];
};
static_assert(sizeof(IdentifyIndependentNamespace) == kIdentifySize);
static_assert(offsetof(IdentifyIndependentNamespace, nstat) == 14);
inline constexpr std::uint8_t kNstatReady = 1 << 0;                      // NRDY
inline constexpr std::uint8_t kIndependentNsfeatRotational = 1 << 4;     // RMEDIA
inline constexpr std::uint8_t kIndependentNsfeatVwcNotPresent = 1 << 5;  // VWCNP

}  // namespace weft::wire
