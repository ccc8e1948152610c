// The layouts against libnvme's headers: a second reading of the specification.
#include <gtest/gtest.h>
#include <libnvme.h>

#include <cstddef>

#include "wire/admin_command.h"
#include "wire/endian.h"
#include "wire/fabrics.h"
#include "wire/identify.h"
#include "wire/io_command.h"
#include "wire/log_page.h"
#include "wire/opcodes.h"
#include "wire/properties.h"
#include "wire/sqe.h"
#include "wire/tcp_pdu.h"

namespace weft::wire {
namespace {

#define EXPECT_SAME_FIELD(Ours, field, theirs, their_field)               \
  EXPECT_EQ(offsetof(Ours, field), offsetof(struct theirs, their_field)); \
  EXPECT_EQ(sizeof(Ours::field), sizeof(theirs::their_field)) << #Ours "::" #field

TEST(Layout, EndianTypesHoldTheirBytesInOrder) {
  const le32 little = 0x01020304;
  const be32 big = 0x01020304;
  EXPECT_EQ(bytes_of(little)[0], std::byte{4});
  EXPECT_EQ(bytes_of(big)[0], std::byte{1});
  EXPECT_EQ(load<le32>(bytes_of(little)), std::optional<le32>(0x01020304));
  EXPECT_FALSE(load<le64>(bytes_of(little)).has_value());
}

TEST(Layout, IdentifyController) {
  using I = IdentifyController;
  EXPECT_EQ(sizeof(I), sizeof(nvme_id_ctrl));
#define SAME(f) EXPECT_SAME_FIELD(I, f, nvme_id_ctrl, f)
  SAME(vid);
  SAME(ssvid);
  SAME(sn);
  SAME(mn);
  SAME(fr);
  SAME(rab);
  SAME(ieee);
  SAME(cmic);
  SAME(mdts);
  SAME(cntlid);
  SAME(ver);
  SAME(rtd3r);
  SAME(rtd3e);
  SAME(oaes);
  SAME(ctratt);
  SAME(rrls);
  SAME(cntrltype);
  SAME(fguid);
  SAME(crdt1);
  SAME(crdt2);
  SAME(crdt3);
  SAME(nvmsr);
  SAME(vwci);
  SAME(mec);
  SAME(oacs);
  SAME(acl);
  SAME(aerl);
  SAME(frmw);
  SAME(lpa);
  SAME(elpe);
  SAME(npss);
  SAME(avscc);
  SAME(apsta);
  SAME(wctemp);
  SAME(cctemp);
  SAME(mtfa);
  SAME(hmpre);
  SAME(hmmin);
  SAME(tnvmcap);
  SAME(unvmcap);
  SAME(rpmbs);
  SAME(edstt);
  SAME(dsto);
  SAME(fwug);
  SAME(kas);
  SAME(hctma);
  SAME(mntmt);
  SAME(mxtmt);
  SAME(sanicap);
  SAME(hmminds);
  SAME(hmmaxd);
  SAME(nsetidmax);
  SAME(endgidmax);
  SAME(anatt);
  SAME(anacap);
  SAME(anagrpmax);
  SAME(nanagrpid);
  SAME(pels);
  SAME(domainid);
  SAME(megcap);
  SAME(sqes);
  SAME(cqes);
  SAME(maxcmd);
  SAME(nn);
  SAME(oncs);
  SAME(fuses);
  SAME(fna);
  SAME(vwc);
  SAME(awun);
  SAME(awupf);
  SAME(icsvscc);
  SAME(nwpc);
  SAME(acwu);
  EXPECT_SAME_FIELD(I, cdfs, nvme_id_ctrl, ocfs);
  SAME(sgls);
  SAME(mnan);
  SAME(maxdna);
  SAME(maxcna);
  SAME(subnqn);
  SAME(ioccsz);
  SAME(iorcsz);
  SAME(icdoff);
  SAME(fcatt);
  SAME(msdbd);
  SAME(ofcs);
  SAME(dctype);
  SAME(psd);
  SAME(vs);
#undef SAME
  // Fields of 2.1 that this libnvme does not name yet.
  EXPECT_EQ(offsetof(I, plsi), 110u);
  EXPECT_EQ(offsetof(I, cqt), 386u);
  EXPECT_EQ(offsetof(I, trattr), 576u);
  EXPECT_EQ(offsetof(I, mcdqpc), 586u);
}

TEST(Layout, IdentifyNamespace) {
  using I = IdentifyNamespace;
  EXPECT_EQ(sizeof(I), sizeof(nvme_id_ns));
#define SAME(f) EXPECT_SAME_FIELD(I, f, nvme_id_ns, f)
  SAME(nsze);
  SAME(ncap);
  SAME(nuse);
  SAME(nsfeat);
  SAME(nlbaf);
  SAME(flbas);
  SAME(mc);
  SAME(dpc);
  SAME(dps);
  SAME(nmic);
  SAME(rescap);
  SAME(fpi);
  SAME(dlfeat);
  SAME(nawun);
  SAME(nawupf);
  SAME(nacwu);
  SAME(nabsn);
  SAME(nabo);
  SAME(nabspf);
  SAME(noiob);
  SAME(nvmcap);
  SAME(npwg);
  SAME(npwa);
  SAME(npdg);
  SAME(npda);
  SAME(nows);
  SAME(mssrl);
  SAME(mcl);
  SAME(msrc);
  SAME(nulbaf);
  SAME(anagrpid);
  SAME(nsattr);
  SAME(nvmsetid);
  SAME(endgid);
  SAME(nguid);
  SAME(eui64);
  SAME(lbaf);
#undef SAME
  EXPECT_SAME_FIELD(LbaFormat, lbads, nvme_lbaf, ds);
}

TEST(Layout, OtherIdentifyData) {
  EXPECT_EQ(sizeof(IdentifyIndependentNamespace), sizeof(nvme_id_independent_id_ns));
  EXPECT_SAME_FIELD(IdentifyIndependentNamespace, anagrpid, nvme_id_independent_id_ns, anagrpid);
  EXPECT_SAME_FIELD(IdentifyIndependentNamespace, nsattr, nvme_id_independent_id_ns, nsattr);
  EXPECT_SAME_FIELD(IdentifyIndependentNamespace, endgid, nvme_id_independent_id_ns, endgid);
  EXPECT_SAME_FIELD(IdentifyIndependentNamespace, nstat, nvme_id_independent_id_ns, nstat);
  EXPECT_EQ(sizeof(IdentifyNvmNamespace), sizeof(nvme_nvm_id_ns));
  EXPECT_SAME_FIELD(IdentifyNvmNamespace, pic, nvme_nvm_id_ns, pic);
  EXPECT_SAME_FIELD(IdentifyNvmNamespace, elbaf, nvme_nvm_id_ns, elbaf);
  EXPECT_EQ(sizeof(IdentifyNvmController), sizeof(nvme_id_ctrl_nvm));
  EXPECT_SAME_FIELD(IdentifyNvmController, wzsl, nvme_id_ctrl_nvm, wzsl);
  EXPECT_SAME_FIELD(IdentifyNvmController, dmrl, nvme_id_ctrl_nvm, dmrl);
  EXPECT_SAME_FIELD(IdentifyNvmController, dmrsl, nvme_id_ctrl_nvm, dmrsl);
  EXPECT_SAME_FIELD(IdentifyNvmController, dmsl, nvme_id_ctrl_nvm, dmsl);
  EXPECT_EQ(sizeof(PowerStateDescriptor), sizeof(nvme_id_psd));
  EXPECT_SAME_FIELD(PowerStateDescriptor, idlp, nvme_id_psd, idlp);
  EXPECT_SAME_FIELD(PowerStateDescriptor, apws, nvme_id_psd, apws);
  EXPECT_EQ(sizeof(NamespaceIdDescriptor), sizeof(nvme_ns_id_desc));
  EXPECT_EQ(sizeof(CommandSetList), sizeof(nvme_id_iocs));
  EXPECT_EQ(sizeof(NamespaceList), sizeof(nvme_ns_list));
  EXPECT_EQ(sizeof(ControllerList), sizeof(nvme_ctrl_list));
}

TEST(Layout, LogPages) {
  EXPECT_EQ(sizeof(SupportedLogPages), sizeof(nvme_supported_log_pages));
  EXPECT_EQ(sizeof(ErrorInformation), sizeof(nvme_error_log_page));
  EXPECT_SAME_FIELD(ErrorInformation, sqid, nvme_error_log_page, sqid);
  EXPECT_SAME_FIELD(ErrorInformation, cid, nvme_error_log_page, cmdid);
  EXPECT_SAME_FIELD(ErrorInformation, status, nvme_error_log_page, status_field);
  EXPECT_SAME_FIELD(ErrorInformation, parameter_error_location, nvme_error_log_page, parm_error_location);
  EXPECT_SAME_FIELD(ErrorInformation, lba, nvme_error_log_page, lba);
  EXPECT_SAME_FIELD(ErrorInformation, nsid, nvme_error_log_page, nsid);
  EXPECT_SAME_FIELD(ErrorInformation, trtype, nvme_error_log_page, trtype);
  EXPECT_SAME_FIELD(ErrorInformation, command_specific, nvme_error_log_page, cs);
  EXPECT_SAME_FIELD(ErrorInformation, transport_specific, nvme_error_log_page, trtype_spec_info);
  EXPECT_EQ(sizeof(SmartLog), sizeof(nvme_smart_log));
  EXPECT_SAME_FIELD(SmartLog, composite_temperature, nvme_smart_log, temperature);
  EXPECT_SAME_FIELD(SmartLog, percentage_used, nvme_smart_log, percent_used);
  EXPECT_SAME_FIELD(SmartLog, data_units_read, nvme_smart_log, data_units_read);
  EXPECT_SAME_FIELD(SmartLog, host_write_commands, nvme_smart_log, host_writes);
  EXPECT_SAME_FIELD(SmartLog, controller_busy_minutes, nvme_smart_log, ctrl_busy_time);
  EXPECT_SAME_FIELD(SmartLog, error_log_entries, nvme_smart_log, num_err_log_entries);
  EXPECT_SAME_FIELD(SmartLog, temperature_sensor, nvme_smart_log, temp_sensor);
  EXPECT_SAME_FIELD(SmartLog, reserved232, nvme_smart_log, rsvd232);
  EXPECT_EQ(sizeof(FirmwareSlotLog), sizeof(nvme_firmware_slot));
  EXPECT_SAME_FIELD(FirmwareSlotLog, frs, nvme_firmware_slot, frs);
  EXPECT_EQ(sizeof(CommandEffectsLog), sizeof(nvme_cmd_effects_log));
  EXPECT_SAME_FIELD(CommandEffectsLog, io, nvme_cmd_effects_log, iocs);
  EXPECT_EQ(sizeof(AnaLogHeader), sizeof(nvme_ana_log));
  EXPECT_SAME_FIELD(AnaLogHeader, groups, nvme_ana_log, ngrps);
  EXPECT_EQ(sizeof(AnaGroupDescriptor), sizeof(nvme_ana_group_desc));
  EXPECT_SAME_FIELD(AnaGroupDescriptor, nsids, nvme_ana_group_desc, nnsids);
  EXPECT_SAME_FIELD(AnaGroupDescriptor, state, nvme_ana_group_desc, state);
}

TEST(Layout, Discovery) {
  EXPECT_EQ(sizeof(DiscoveryLogHeader), sizeof(nvmf_discovery_log));
  EXPECT_SAME_FIELD(DiscoveryLogHeader, numrec, nvmf_discovery_log, numrec);
  EXPECT_SAME_FIELD(DiscoveryLogHeader, recfmt, nvmf_discovery_log, recfmt);
  EXPECT_EQ(sizeof(DiscoveryLogEntry), sizeof(nvmf_disc_log_entry));
#define SAME(f) EXPECT_SAME_FIELD(DiscoveryLogEntry, f, nvmf_disc_log_entry, f)
  SAME(trtype);
  SAME(adrfam);
  SAME(subtype);
  SAME(treq);
  SAME(portid);
  SAME(cntlid);
  SAME(asqsz);
  SAME(eflags);
  SAME(trsvcid);
  SAME(subnqn);
  SAME(traddr);
  SAME(tsas);
#undef SAME
}

TEST(Layout, CommandsAndFeatures) {
  EXPECT_EQ(sizeof(DsmRange), sizeof(nvme_dsm_range));
  EXPECT_SAME_FIELD(DsmRange, blocks, nvme_dsm_range, nlb);
  EXPECT_SAME_FIELD(DsmRange, slba, nvme_dsm_range, slba);
  EXPECT_EQ(sizeof(HostBehaviorSupport), sizeof(nvme_feat_host_behavior));
  EXPECT_EQ(sizeof(TimestampData), sizeof(nvme_timestamp));
  EXPECT_SAME_FIELD(TimestampData, attributes, nvme_timestamp, attr);
  EXPECT_EQ(sizeof(ConnectData), sizeof(nvmf_connect_data));
  EXPECT_SAME_FIELD(ConnectData, hostid, nvmf_connect_data, hostid);
  EXPECT_SAME_FIELD(ConnectData, cntlid, nvmf_connect_data, cntlid);
  EXPECT_SAME_FIELD(ConnectData, subnqn, nvmf_connect_data, subsysnqn);
  EXPECT_SAME_FIELD(ConnectData, hostnqn, nvmf_connect_data, hostnqn);
}

struct Pair {
  const char* what;
  unsigned long ours;
  unsigned long theirs;
};
#define PAIR(ours, theirs)                                                        \
  Pair {                                                                          \
    #theirs, static_cast<unsigned long>(ours), static_cast<unsigned long>(theirs) \
  }

TEST(Layout, CodesAreTheSame) {
  const Pair pairs[] = {
      PAIR(AdminOpcode::get_log_page, nvme_admin_get_log_page),
      PAIR(AdminOpcode::identify, nvme_admin_identify),
      PAIR(AdminOpcode::abort, nvme_admin_abort_cmd),
      PAIR(AdminOpcode::set_features, nvme_admin_set_features),
      PAIR(AdminOpcode::get_features, nvme_admin_get_features),
      PAIR(AdminOpcode::async_event_request, nvme_admin_async_event),
      PAIR(AdminOpcode::namespace_management, nvme_admin_ns_mgmt),
      PAIR(AdminOpcode::namespace_attachment, nvme_admin_ns_attach),
      PAIR(AdminOpcode::keep_alive, nvme_admin_keep_alive),
      PAIR(AdminOpcode::fabrics, nvme_admin_fabrics),
      PAIR(AdminOpcode::format_nvm, nvme_admin_format_nvm),
      PAIR(AdminOpcode::sanitize, nvme_admin_sanitize_nvm),
      PAIR(AdminOpcode::get_lba_status, nvme_admin_get_lba_status),
      PAIR(IoOpcode::flush, nvme_cmd_flush),
      PAIR(IoOpcode::write, nvme_cmd_write),
      PAIR(IoOpcode::read, nvme_cmd_read),
      PAIR(IoOpcode::write_uncorrectable, nvme_cmd_write_uncor),
      PAIR(IoOpcode::compare, nvme_cmd_compare),
      PAIR(IoOpcode::write_zeroes, nvme_cmd_write_zeroes),
      PAIR(IoOpcode::dataset_management, nvme_cmd_dsm),
      PAIR(IoOpcode::verify, nvme_cmd_verify),
      PAIR(IoOpcode::reservation_register, nvme_cmd_resv_register),
      PAIR(IoOpcode::reservation_report, nvme_cmd_resv_report),
      PAIR(IoOpcode::reservation_acquire, nvme_cmd_resv_acquire),
      PAIR(IoOpcode::reservation_release, nvme_cmd_resv_release),
      PAIR(IoOpcode::copy, nvme_cmd_copy),
      PAIR(FabricsType::property_set, nvme_fabrics_type_property_set),
      PAIR(FabricsType::connect, nvme_fabrics_type_connect),
      PAIR(FabricsType::property_get, nvme_fabrics_type_property_get),
      PAIR(FabricsType::authentication_send, nvme_fabrics_type_auth_send),
      PAIR(FabricsType::authentication_receive, nvme_fabrics_type_auth_receive),
      PAIR(FabricsType::disconnect, nvme_fabrics_type_disconnect),
      PAIR(LogId::error_information, NVME_LOG_LID_ERROR),
      PAIR(LogId::smart, NVME_LOG_LID_SMART),
      PAIR(LogId::changed_namespace_list, NVME_LOG_LID_CHANGED_NS),
      PAIR(LogId::commands_supported_and_effects, NVME_LOG_LID_CMD_EFFECTS),
      PAIR(LogId::ana, NVME_LOG_LID_ANA),
      PAIR(LogId::discovery, NVME_LOG_LID_DISCOVER),
      PAIR(LogId::reservation_notification, NVME_LOG_LID_RESERVATION),
      PAIR(FeatureId::number_of_queues, NVME_FEAT_FID_NUM_QUEUES),
      PAIR(FeatureId::async_event_configuration, NVME_FEAT_FID_ASYNC_EVENT),
      PAIR(FeatureId::keep_alive_timer, NVME_FEAT_FID_KATO),
      PAIR(FeatureId::host_behavior_support, NVME_FEAT_FID_HOST_BEHAVIOR),
      PAIR(FeatureId::io_command_set_profile, NVME_FEAT_FID_IOCS_PROFILE),
      PAIR(FeatureId::host_identifier, NVME_FEAT_FID_HOST_ID),
      PAIR(FeatureId::reservation_notification_mask, NVME_FEAT_FID_RESV_MASK),
      PAIR(FeatureId::reservation_persistence, NVME_FEAT_FID_RESV_PERSIST),
      PAIR(FeatureId::namespace_write_protection, NVME_FEAT_FID_WRITE_PROTECT),
      PAIR(IdentifyCns::ns_id_descriptors, NVME_IDENTIFY_CNS_NS_DESC_LIST),
      PAIR(IdentifyCns::independent_ns, NVME_IDENTIFY_CNS_CSI_INDEPENDENT_ID_NS),
      PAIR(IdentifyCns::command_set_list, NVME_IDENTIFY_CNS_COMMAND_SET_STRUCTURE),
      PAIR(NamespaceIdType::uuid, NVME_NIDT_UUID),
      PAIR(NamespaceIdType::csi, NVME_NIDT_CSI),
      PAIR(AnaState::non_optimized, NVME_ANA_STATE_NONOPTIMIZED),
      PAIR(AnaState::persistent_loss, NVME_ANA_STATE_PERSISTENT_LOSS),
      PAIR(AnaState::change, NVME_ANA_STATE_CHANGE),
      PAIR(command_effect::kSupported, NVME_CMD_EFFECTS_CSUPP),
      PAIR(command_effect::kBlockContent, NVME_CMD_EFFECTS_LBCC),
      PAIR(command_effect::kControllerCapability, NVME_CMD_EFFECTS_CCC),
      PAIR(event_info::kDiscoveryLogChange, NVME_AER_NOTICE_DISC_CHANGED),
      PAIR(event_info::kAnaChange, NVME_AER_NOTICE_ANA),
      PAIR(TransportType::tcp, NVMF_TRTYPE_TCP),
      PAIR(TransportType::loop, NVMF_TRTYPE_LOOP),
      PAIR(AddressFamily::ipv6, NVMF_ADDR_FAMILY_IP6),
      PAIR(SubsystemType::referral, NVME_NQN_DISC),
      PAIR(SubsystemType::current_discovery, NVME_NQN_CURR),
      PAIR(TcpSecurity::tls13, NVMF_TCP_SECTYPE_TLS13),
      PAIR(kTreqSqflowDisable, NVMF_TREQ_DISABLE_SQFLOW),
      PAIR(kEflagExplicitPersistent, NVMF_DISC_EFLAGS_EPCSD),
      PAIR(kEflagDuplicateReturned, NVMF_DISC_EFLAGS_DUPRETINFO),
      PAIR(property::kCap, NVME_REG_CAP),
      PAIR(property::kVs, NVME_REG_VS),
      PAIR(property::kCc, NVME_REG_CC),
      PAIR(property::kCsts, NVME_REG_CSTS),
      PAIR(property::kNssr, NVME_REG_NSSR),
      PAIR(property::kCrto, NVME_REG_CRTO),
      PAIR(kOncsCompare, NVME_CTRL_ONCS_COMPARE),
      PAIR(kOncsWriteZeroes, NVME_CTRL_ONCS_WRITE_ZEROES),
      PAIR(kOncsDatasetManagement, NVME_CTRL_ONCS_DSM),
      PAIR(kOncsSaveSelect, NVME_CTRL_ONCS_SAVE_FEATURES),
      PAIR(kOncsReservations, NVME_CTRL_ONCS_RESERVATIONS),
      PAIR(kOncsTimestamp, NVME_CTRL_ONCS_TIMESTAMP),
      PAIR(kOncsVerify, NVME_CTRL_ONCS_VERIFY),
      PAIR(kCmicAna, NVME_CTRL_CMIC_MULTI_ANA_REPORTING),
      PAIR(kCmicMultiController, NVME_CTRL_CMIC_MULTI_CTRL),
      PAIR(kLpaCommandEffects, NVME_CTRL_LPA_CMD_EFFECTS),
      PAIR(kLpaExtendedData, NVME_CTRL_LPA_EXTENDED),
      PAIR(kCtrattHostId128, NVME_CTRL_CTRATT_128_ID),
      PAIR(kCtrattTrafficKeepAlive, NVME_CTRL_CTRATT_TBKAS),
      PAIR(kAnacapChange, NVME_CTRL_ANACAP_CHANGE),
      PAIR(kAnacapNonZeroGroup, NVME_CTRL_ANACAP_GRPID_MGMT),
      PAIR(kSglsTransport, NVME_CTRL_SGLS_TPORT),
      PAIR(kSglsOffset, NVME_CTRL_SGLS_OFFSET),
      PAIR(kSglsKeyed, NVME_CTRL_SGLS_KEYED),
      PAIR(kNsfeatThin, NVME_NS_FEAT_THIN),
      PAIR(kNsfeatAtomics, NVME_NS_FEAT_NATOMIC),
      PAIR(kNsfeatDeallocatedError, NVME_NS_FEAT_DULBE),
      PAIR(kNsfeatIdentifiersNotReused, NVME_NS_FEAT_ID_REUSE),
      PAIR(kNsfeatOptimalPerformance, NVME_NS_FEAT_IO_OPT),
      PAIR(ControllerType::discovery, NVME_CTRL_CNTRLTYPE_DISCOVERY),
  };
  for (const auto& pair : pairs) EXPECT_EQ(pair.ours, pair.theirs) << pair.what;
}

TEST(Layout, PropertiesReadTheSame) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t raw = 1ull << bit;
    const Cap cap = Cap::decode(raw);
    EXPECT_EQ(cap.max_queue_entries - 1, NVME_CAP_MQES(raw)) << bit;
    EXPECT_EQ(cap.cqr, NVME_CAP_CQR(raw)) << bit;
    EXPECT_EQ(cap.to, NVME_CAP_TO(raw)) << bit;
    EXPECT_EQ(cap.css, NVME_CAP_CSS(raw)) << bit;
    EXPECT_EQ(cap.mpsmin, NVME_CAP_MPSMIN(raw)) << bit;
    EXPECT_EQ(cap.mpsmax, NVME_CAP_MPSMAX(raw)) << bit;
    EXPECT_EQ(cap.crms, NVME_CAP_CRMS(raw)) << bit;
    const auto half = static_cast<std::uint32_t>(raw);
    const Cc cc = Cc::decode(half);
    EXPECT_EQ(cc.en, NVME_CC_EN(half)) << bit;
    EXPECT_EQ(cc.css, NVME_CC_CSS(half)) << bit;
    EXPECT_EQ(cc.mps, NVME_CC_MPS(half)) << bit;
    EXPECT_EQ(static_cast<unsigned>(cc.shn), NVME_CC_SHN(half)) << bit;
    EXPECT_EQ(cc.iosqes, NVME_CC_IOSQES(half)) << bit;
    EXPECT_EQ(cc.iocqes, NVME_CC_IOCQES(half)) << bit;
    EXPECT_EQ(cc.crime, NVME_CC_CRIME(half)) << bit;
    const Csts csts = Csts::decode(half);
    EXPECT_EQ(csts.rdy, NVME_CSTS_RDY(half)) << bit;
    EXPECT_EQ(csts.cfs, NVME_CSTS_CFS(half)) << bit;
    EXPECT_EQ(static_cast<unsigned>(csts.shst), NVME_CSTS_SHST(half)) << bit;
  }
}

TEST(Layout, PropertiesSurviveARoundTrip) {
  const Cap cap{
      .max_queue_entries = 65536, .cqr = true, .to = 15, .css = Cap::kCssNvm | Cap::kCssIocs, .crms = 3};
  EXPECT_EQ(Cap::decode(cap.encode()), cap);
  EXPECT_EQ((Cap{.max_queue_entries = 1024}.encode() & 0xFFFF), 1023u);
  const Cc cc{
      .en = true, .css = 6, .shn = ShutdownNotification::abrupt, .iosqes = 6, .iocqes = 4, .crime = true};
  EXPECT_EQ(Cc::decode(cc.encode()), cc);
  EXPECT_EQ((Cc{.en = true, .iosqes = 6, .iocqes = 4}.encode()), 0x00460001u);
  const Csts csts{.rdy = true, .shst = ShutdownStatus::complete, .nssro = true, .st = true};
  EXPECT_EQ(Csts::decode(csts.encode()), csts);
  EXPECT_EQ(kVersion21.encode(), 0x00020100u);
  EXPECT_EQ(Version::decode(0x00010400), kVersion14);
  const Crto crto{.crwmt = 7, .crimt = 0xFFFF};
  EXPECT_EQ(Crto::decode(crto.encode()), crto);
}

}  // namespace
}  // namespace weft::wire
