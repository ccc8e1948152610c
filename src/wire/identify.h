// Identify data structures (NVMe Base 2.1, section 5.1.13; NVM Command Set 1.1, section 4.1.5).  The fields
// keep the specification's abbreviations.  Value-initialise, then fill in what applies: reserved means zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/endian.h"
#include "wire/identify_namespace.h"

namespace weft::wire {

enum class IdentifyCns : std::uint8_t {
  ns = 0x00,
  controller = 0x01,
  active_ns_list = 0x02,
  ns_id_descriptors = 0x03,
  nvm_set_list = 0x04,
  command_set_ns = 0x05,
  command_set_controller = 0x06,
  command_set_active_ns_list = 0x07,
  independent_ns = 0x08,
  allocated_ns_list = 0x10,
  allocated_ns = 0x11,
  ns_controller_list = 0x12,
  controller_list = 0x13,
  uuid_list = 0x17,
  command_set_list = 0x1C,
};
std::string_view name(IdentifyCns cns);  // "Unknown" for what is not in the list

struct PowerStateDescriptor {
  le16 mp;
  std::uint8_t reserved2;
  std::uint8_t flags;  // bit 0 MXPS, bit 1 NOPS
  le32 enlat;
  le32 exlat;
  std::uint8_t rrt;
  std::uint8_t rrl;
  std::uint8_t rwt;
  std::uint8_t rwl;
  le16 idlp;
  std::uint8_t ips;
  std::uint8_t reserved19;
  le16 actp;
  std::uint8_t apws;
  std::uint8_t reserved23[9];
};
static_assert(sizeof(PowerStateDescriptor) == 32);

// CNS 01h
struct IdentifyController {
  le16 vid;
  le16 ssvid;
  char sn[20];  // ASCII, space padded: write_padded(), as mn and fr
  char mn[40];
  char fr[8];
  std::uint8_t rab;
  std::uint8_t ieee[3];
  std::uint8_t cmic;  // bit 1: several controllers; bit 3: ANA
  std::uint8_t mdts;  // 2^n units of CAP.MPSMIN; 0 = no limit
  le16 cntlid;
  le32 ver;  // Version::encode()
  le32 rtd3r;
  le32 rtd3e;
  le32 oaes;    // AsyncEventConfiguration bits
  le32 ctratt;  // kCtratt...
  le16 rrls;
  std::uint8_t bpcap;
  std::uint8_t reserved103;
  le32 nssl;
  std::uint8_t reserved108[2];
  std::uint8_t plsi;
  std::uint8_t cntrltype;  // ControllerType
  std::uint8_t fguid[16];
  le16 crdt1;  // in 100 ms
  le16 crdt2;
  le16 crdt3;
  std::uint8_t crcap;
  std::uint8_t reserved135[118];
  std::uint8_t nvmsr;
  std::uint8_t vwci;
  std::uint8_t mec;
  le16 oacs;
  std::uint8_t acl;  // zero-based, as aerl and elpe
  std::uint8_t aerl;
  std::uint8_t frmw;
  std::uint8_t lpa;  // kLpa...
  std::uint8_t elpe;
  std::uint8_t npss;
  std::uint8_t avscc;
  std::uint8_t apsta;
  le16 wctemp;
  le16 cctemp;
  le16 mtfa;
  le32 hmpre;
  le32 hmmin;
  le128 tnvmcap;
  le128 unvmcap;
  le32 rpmbs;
  le16 edstt;
  std::uint8_t dsto;
  std::uint8_t fwug;
  le16 kas;  // in 100 ms
  le16 hctma;
  le16 mntmt;
  le16 mxtmt;
  le32 sanicap;
  le32 hmminds;
  le16 hmmaxd;
  le16 nsetidmax;
  le16 endgidmax;
  std::uint8_t anatt;   // seconds
  std::uint8_t anacap;  // kAnacap...
  le32 anagrpmax;
  le32 nanagrpid;
  le32 pels;
  le16 domainid;
  std::uint8_t kpioc;
  std::uint8_t reserved359;
  le16 mptfawr;
  std::uint8_t reserved362[6];
  le128 megcap;
  std::uint8_t tmpthha;
  std::uint8_t reserved385;
  le16 cqt;
  std::uint8_t reserved388[124];
  std::uint8_t sqes;  // bits 3:0 required, 7:4 maximum: 2^n bytes
  std::uint8_t cqes;
  le16 maxcmd;
  le32 nn;
  le16 oncs;  // kOncs...
  le16 fuses;
  std::uint8_t fna;
  std::uint8_t vwc;  // kVwc...
  le16 awun;         // zero-based blocks, as awupf and acwu
  le16 awupf;
  std::uint8_t icsvscc;
  std::uint8_t nwpc;
  le16 acwu;
  le16 cdfs;
  le32 sgls;  // kSgls...
  le32 mnan;
  le128 maxdna;
  le32 maxcna;
  le32 oaqd;
  std::uint8_t rhiri;
  std::uint8_t hirt;
  le16 cmmrtd;
  le16 nmmrtd;
  std::uint8_t minmrtg;
  std::uint8_t maxmrtg;
  std::uint8_t trattr;
  std::uint8_t reserved577;
  le16 mcudmq;
  le16 mnsudmq;
  le16 mcmr;
  le16 nmcmr;
  le16 mcdqpc;
  std::uint8_t reserved588[180];
  char subnqn[256];  // NUL padded: write_terminated()
  std::uint8_t reserved1024[768];
  le32 ioccsz;  // in 16 bytes, the SQE included
  le32 iorcsz;  // in 16 bytes
  le16 icdoff;
  std::uint8_t fcatt;  // bit 0: static controller model
  std::uint8_t msdbd;
  le16 ofcs;  // bit 0: Disconnect
  std::uint8_t dctype;
  std::uint8_t reserved1807[241];
  PowerStateDescriptor psd[32];
  std::uint8_t vs[1024];
};
static_assert(sizeof(IdentifyController) == kIdentifySize && WireStruct<IdentifyController>);
static_assert(offsetof(IdentifyController, cntrltype) == 111 && offsetof(IdentifyController, oacs) == 256);
static_assert(offsetof(IdentifyController, kas) == 320 && offsetof(IdentifyController, sqes) == 512);
static_assert(offsetof(IdentifyController, subnqn) == 768 && offsetof(IdentifyController, ioccsz) == 1792);

enum class ControllerType : std::uint8_t { not_reported = 0, io = 1, discovery = 2, administrative = 3 };

inline constexpr std::uint8_t kCmicMultiPort = 1 << 0;
inline constexpr std::uint8_t kCmicMultiController = 1 << 1;
inline constexpr std::uint8_t kCmicAna = 1 << 3;
inline constexpr std::uint32_t kCtrattHostId128 = 1 << 0;
inline constexpr std::uint32_t kCtrattTrafficKeepAlive = 1 << 6;
inline constexpr std::uint32_t kCtrattExtendedLba = 1 << 15;  // ELBAS
inline constexpr std::uint8_t kLpaNamespaceSmart = 1 << 0;
inline constexpr std::uint8_t kLpaCommandEffects = 1 << 1;
inline constexpr std::uint8_t kLpaExtendedData = 1 << 2;  // offsets in Get Log Page
inline constexpr std::uint8_t kLpaSupportedLogPages = 1 << 5;
inline constexpr std::uint8_t kFrmwFirstSlotReadOnly = 1 << 0;  // bits 3:1: number of slots
inline constexpr std::uint8_t kAnacapOptimized = 1 << 0;
inline constexpr std::uint8_t kAnacapNonOptimized = 1 << 1;
inline constexpr std::uint8_t kAnacapInaccessible = 1 << 2;
inline constexpr std::uint8_t kAnacapPersistentLoss = 1 << 3;
inline constexpr std::uint8_t kAnacapChange = 1 << 4;
inline constexpr std::uint8_t kAnacapGroupIdStatic = 1 << 6;
inline constexpr std::uint8_t kAnacapNonZeroGroup = 1 << 7;
inline constexpr std::uint16_t kOncsCompare = 1 << 0;
inline constexpr std::uint16_t kOncsWriteUncorrectable = 1 << 1;
inline constexpr std::uint16_t kOncsDatasetManagement = 1 << 2;
inline constexpr std::uint16_t kOncsWriteZeroes = 1 << 3;
inline constexpr std::uint16_t kOncsSaveSelect = 1 << 4;  // SAVE in Set Features, SEL in Get Features
inline constexpr std::uint16_t kOncsReservations = 1 << 5;
inline constexpr std::uint16_t kOncsTimestamp = 1 << 6;
inline constexpr std::uint16_t kOncsVerify = 1 << 7;
inline constexpr std::uint16_t kOncsCopy = 1 << 8;
inline constexpr std::uint16_t kFusesCompareWrite = 1 << 0;
inline constexpr std::uint8_t kVwcPresent = 1 << 0;
inline constexpr std::uint8_t kVwcFlushBroadcastRefused = 2 << 1;  // bits 2:1 = 10b
inline constexpr std::uint8_t kVwcFlushBroadcast = 3 << 1;         // bits 2:1 = 11b
inline constexpr std::uint32_t kSglsByteAligned = 1 << 0;          // bits 1:0 = 01b
inline constexpr std::uint32_t kSglsDwordAligned = 2 << 0;         // bits 1:0 = 10b
inline constexpr std::uint32_t kSglsKeyed = 1 << 2;
inline constexpr std::uint32_t kSglsOffset = 1 << 20;     // the address field may hold an offset
inline constexpr std::uint32_t kSglsTransport = 1 << 21;  // transport SGL data block
inline constexpr std::uint16_t kOfcsDisconnect = 1 << 0;

// CNS 12h, 13h
struct ControllerList {
  le16 count;
  le16 cntlid[2047];  // ascending
};
static_assert(sizeof(ControllerList) == kIdentifySize);

// CNS 06h for the NVM command set.  VSL, WZSL, WUSL: 2^n units of CAP.MPSMIN, 0 = no limit beyond MDTS.
struct IdentifyNvmController {
  std::uint8_t vsl;
  std::uint8_t wzsl;
  std::uint8_t wusl;
  std::uint8_t dmrl;  // ranges of Dataset Management, 0 = no limit
  le32 dmrsl;         // blocks in one range
  le64 dmsl;          // blocks in one command
  std::uint8_t kpiocap;
  std::uint8_t wzdsl;
  le16 aocs;
  le32 ver;
  std::uint8_t lbamqf;
  std::uint8_t reserved25[4071];
};
static_assert(sizeof(IdentifyNvmController) == kIdentifySize);
static_assert(offsetof(IdentifyNvmController, dmsl) == 8);

// CNS 1Ch: combinations of command sets, chosen by feature 19h; bit n of one is CommandSet n.
struct CommandSetList {
  le64 combination[512];
};
static_assert(sizeof(CommandSetList) == kIdentifySize);

}  // namespace weft::wire
