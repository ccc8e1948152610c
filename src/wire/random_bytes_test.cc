// Every parser on random bytes: it ends, the sanitizers stay silent, and what it accepts keeps its promises.
#include <gtest/gtest.h>

#include <random>

#include "wire/admin_command.h"
#include "wire/fabrics.h"
#include "wire/io_command.h"
#include "wire/nqn.h"
#include "wire/sgl.h"
#include "wire/tcp_pdu.h"

namespace weft::wire {
namespace {

constexpr int kRounds = 20000;

class RandomBytes : public testing::Test {
 protected:
  // Half of the bytes come from few values, so that fields meet their special cases.
  template <WireStruct T>
  T any() {
    T value;
    for (auto& byte : writable_bytes_of(value)) {
      const auto word = random_();
      constexpr std::uint8_t kFew[] = {0x00, 0x01, 0x40, 0x5A, 0x48, 0x18, 0xFF, 0x7F};
      byte = static_cast<std::byte>((word & 1) != 0 ? kFew[word >> 8 & 7] : word >> 8);
    }
    return value;
  }

  std::mt19937 random_{20240601};  // NOLINT(bugprone-random-generator-seed): the same bytes in each run
};

template <class T>
void expect_fits(const Parsed<T>& command) {
  if (!command) {
    EXPECT_TRUE(command.error().status.dnr);
    return;
  }
  EXPECT_GE(command->range.blocks, 1u);
  EXPECT_LE(command->range.blocks, 65536u);
  EXPECT_GT(command->range.end(), command->range.slba);
}

TEST_F(RandomBytes, IoCommands) {
  for (int i = 0; i < kRounds; ++i) {
    const Sqe sqe = any<Sqe>();
    expect_fits(parse_read(sqe));
    expect_fits(parse_write(sqe));
    expect_fits(parse_compare(sqe));
    expect_fits(parse_write_zeroes(sqe));
    expect_fits(parse_write_uncorrectable(sqe));
    expect_fits(parse_verify(sqe));
    EXPECT_EQ(parse_flush(sqe)->nsid.value(), sqe.nsid);
    const auto dsm = parse_dataset_management(sqe);
    EXPECT_LE(dsm->data_bytes(), kDsmMaxRanges * sizeof(DsmRange));
  }
}

TEST_F(RandomBytes, AdminCommands) {
  for (int i = 0; i < kRounds; ++i) {
    const Sqe sqe = any<Sqe>();
    EXPECT_EQ(parse_identify(sqe)->nsid.value(), sqe.nsid);
    EXPECT_EQ(parse_abort(sqe)->sqid.value(), sqe.cdw10 & 0xFFFF);
    EXPECT_EQ(parse_set_features(sqe)->fid, sqe.cdw10 & 0xFF);
    if (const auto log = parse_get_log_page(sqe)) {
      EXPECT_EQ(log->length % 4, 0u);
      EXPECT_GE(log->length, 4u);
      EXPECT_TRUE(log->offset_is_index || log->offset % 4 == 0);
    }
    if (const auto get = parse_get_features(sqe)) {
      EXPECT_LE(get->select, FeatureSelect::supported);
    }
    const std::uint32_t dword = sqe.cdw11;
    if (const auto queues = NumberOfQueues::parse(dword)) {
      EXPECT_EQ(queues->encode(), dword);
    }
    if (const auto threshold = TemperatureThreshold::parse(dword)) {
      EXPECT_EQ(threshold->encode(), dword & 0x01FFFFFF);
    }
    if (const auto protection = NamespaceWriteProtection::parse(dword)) {
      EXPECT_EQ(protection->encode(), dword & 7);
    }
    EXPECT_EQ(Arbitration::decode(dword).encode(), dword & 0xFFFFFF07);
    EXPECT_EQ(AsyncEvent::decode(dword).encode(), dword & 0xFFFF07);
  }
}

TEST_F(RandomBytes, FabricsCommandsAndDataPointers) {
  for (int i = 0; i < kRounds; ++i) {
    const Sqe sqe = any<Sqe>();
    if (const auto connect = parse_connect(sqe)) {
      EXPECT_GE(connect->queue_size, 2u);
      EXPECT_LE(connect->queue_size, 65536u);
    }
    if (const auto set = parse_property_set(sqe)) {
      EXPECT_TRUE(set->size == 8 || set->value <= 0xFFFFFFFF);
    }
    if (const auto get = parse_property_get(sqe)) {
      EXPECT_TRUE(get->size == 4 || get->size == 8);
    }
    EXPECT_EQ(parse_disconnect(sqe).has_value(), (sqe.cdw10 & 0xFFFF) == 0);
    for (const auto support : {SglSupport::transport, SglSupport::keyed}) {
      const auto pointer = parse_data_pointer(sqe, support);
      if (!pointer) continue;
      EXPECT_EQ(pointer->kind == DataPointer::Kind::none, pointer->length == 0);
      const auto inside = check_in_capsule(*pointer, 8192);
      if (inside && inside->kind == DataPointer::Kind::in_capsule) {
        EXPECT_LE(inside->offset + inside->length, 8192u);
      }
    }
  }
}

TEST_F(RandomBytes, ConnectData) {
  for (int i = 0; i < kRounds / 10; ++i) {
    const auto data = any<ConnectData>();
    if (const auto parameters = parse_connect_data(data)) {
      EXPECT_TRUE(is_usable_nqn(parameters->subnqn));
      EXPECT_TRUE(is_usable_nqn(parameters->hostnqn));
    }
  }
}

TEST_F(RandomBytes, TcpHeaders) {
  for (int i = 0; i < kRounds * 10; ++i) {
    auto header = any<tcp::CommonHeader>();
    header.type &= 0x0F;
    if ((random_() & 3) != 0) header.hlen = tcp::header_size(static_cast<tcp::PduType>(header.type));
    const tcp::Negotiated negotiated{.hdgst = (random_() & 1) != 0,
                                     .ddgst = (random_() & 1) != 0,
                                     .pda = static_cast<std::uint8_t>(random_() % 32),
                                     .max_data = 131072};
    for (const auto direction : {tcp::Direction::host_to_controller, tcp::Direction::controller_to_host}) {
      const auto shape = tcp::check_header(header, negotiated, direction);
      if (!shape) {
        EXPECT_LT(shape.error().fei, sizeof(tcp::CommonHeader));
        continue;
      }
      const std::uint64_t head = std::uint64_t{shape->header_size} + shape->hdgst_size;
      EXPECT_LE(shape->data_size, 131072u);
      if (shape->data_size == 0) {
        EXPECT_EQ(head, shape->size);
      } else {
        EXPECT_GE(shape->data_offset, head);
        EXPECT_EQ(std::uint64_t{shape->data_offset} + shape->data_size + shape->ddgst_size, shape->size);
      }
    }
    if (const auto request = tcp::parse_ic_req(any<tcp::IcReq>())) {
      EXPECT_LE(request->hpda, tcp::kMaxPda);
      EXPECT_GE(request->maxr2t, 1u);
    }
    if (const auto response = tcp::parse_ic_resp(any<tcp::IcResp>())) {
      EXPECT_GE(response->maxh2cdata, tcp::kMinMaxH2cData);
    }
  }
}

}  // namespace
}  // namespace weft::wire
