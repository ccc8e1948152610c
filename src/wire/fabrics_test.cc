#include "wire/fabrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "wire/nqn.h"

namespace weft::wire {
namespace {

void put16(Sqe& sqe, std::size_t offset, unsigned value) {
  auto bytes = writable_bytes_of(sqe);
  bytes[offset] = static_cast<std::byte>(value);
  bytes[offset + 1] = static_cast<std::byte>(value >> 8);
}

TEST(Fabrics, ConnectAsLinuxSendsIt) {
  Sqe sqe{};
  put16(sqe, 42, 0);
  put16(sqe, 44, 31);
  put16(sqe, 48, 5000);
  EXPECT_EQ(*parse_connect(sqe), (Connect{.qid = Qid(0), .queue_size = 32, .kato_ms = 5000}));
}

TEST(Fabrics, ConnectRoundTrip) {
  const Connect want{.qid = Qid(0xFFFE),
                     .queue_size = 65536,
                     .priority = QueuePriority::low,
                     .disable_sqflow = true,
                     .individual_queue_deletion = true,
                     .kato_ms = 0xFFFFFFFF};
  const Sqe sqe = make_connect(want);
  EXPECT_EQ(sqe.opcode, 0x7F);
  EXPECT_EQ(sqe.fctype(), 1);
  EXPECT_EQ(*parse_connect(sqe), want);
}

TEST(Fabrics, ConnectRefusals) {
  Sqe sqe = make_connect({.qid = Qid(1), .queue_size = 2});
  EXPECT_EQ(parse_connect(sqe)->queue_size, 2u);
  put16(sqe, 44, 0);
  EXPECT_EQ(parse_connect(sqe).error(), (CommandError{status::kConnectInvalidParameters.with_dnr(), 44, 0}));
  for (const unsigned recfmt : {1u, 0x100u, 0xFFFFu}) {
    put16(sqe, 40, recfmt);  // before anything else, since the format says where the rest is
    EXPECT_EQ(parse_connect(sqe).error(),
              (CommandError{status::kConnectIncompatibleFormat.with_dnr(), 40, 0}));
  }
}

ConnectData connect_data(std::string_view subnqn, std::string_view hostnqn) {
  ConnectData data{};
  std::ranges::fill(data.hostid, std::uint8_t{0xAB});
  data.cntlid = 0xFFFF;
  write_terminated(data.subnqn, subnqn);
  write_terminated(data.hostnqn, hostnqn);
  return data;
}

TEST(Fabrics, ConnectDataIsRead) {
  const std::string longest(kNqnMaxLength, 'x');
  const ConnectData data = connect_data("nqn.2024-01.test:lh", longest);
  const auto got = parse_connect_data(data);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->subnqn, "nqn.2024-01.test:lh");
  EXPECT_EQ(got->hostnqn, longest);
  EXPECT_EQ(got->cntlid, kDynamicController);
  EXPECT_EQ(got->hostid[15], 0xAB);
}

TEST(Fabrics, ConnectDataRefusals) {
  const std::string too_long(kNqnMaxLength + 1, 'x');
  const std::string good = "nqn.2024-01.test:a";
  const struct {
    const char* what;
    std::string subnqn;
    std::string hostnqn;
    std::uint16_t byte;
  } rows[] = {
      {"no subnqn", "", good, 256},
      {"no hostnqn", good, "", 512},
      {"long subnqn", too_long, good, 256},
      {"long hostnqn", good, too_long, 512},
      {"control character", "nqn.2024-01.test:\n", good, 256},
      {"not UTF-8", good, "nqn.2024-01.test:\xFF", 512},
      {"both: the first is named", "", "", 256},
  };
  for (const auto& row : rows) {
    const ConnectData data = connect_data(row.subnqn, row.hostnqn);
    const auto got = parse_connect_data(data);
    ASSERT_FALSE(got.has_value()) << row.what;
    EXPECT_EQ(got.error(), (CommandError{status::kConnectInvalidParameters.with_dnr(), row.byte, 0}))
        << row.what;
  }
}

TEST(Fabrics, ConnectDataWithoutItsNul) {
  ConnectData data = connect_data("nqn.2024-01.test:a", "nqn.2024-01.test:b");
  std::ranges::fill(data.subnqn, 'a');
  EXPECT_EQ(parse_connect_data(data).error().location_byte, 256);
  data = connect_data("nqn.2024-01.test:a", "nqn.2024-01.test:b");
  std::ranges::fill(data.hostnqn, 'a');
  EXPECT_EQ(parse_connect_data(data).error().location_byte, 512);
}

TEST(Fabrics, Results) {
  EXPECT_EQ((ConnectResult{.cntlid = Cntlid(0x1234)}.encode()), 0x1234u);
  EXPECT_EQ((ConnectResult{.authentication_required = true}.encode()), 0x20000u);
  EXPECT_EQ((ConnectResult{.secure_channel_required = true}.encode()), 0x40000u);
  EXPECT_EQ(ConnectResult::decode(0x2FFFF),
            (ConnectResult{.cntlid = Cntlid(0xFFFF), .authentication_required = true}));
  EXPECT_EQ(invalid_parameter_result(connect_field::kSqsize, false), 44u);
  EXPECT_EQ(invalid_parameter_result(connect_field::kHostnqn, true), 0x10200u);
  EXPECT_EQ(InvalidParameter::decode(0x10200), (InvalidParameter{.offset = 512, .in_data = true}));
}

TEST(Fabrics, PropertySizes) {
  for (unsigned attrib = 0; attrib < 256; ++attrib) {
    Sqe sqe = make_property_get({.offset = 0x14});
    writable_bytes_of(sqe)[40] = static_cast<std::byte>(attrib);
    const auto get = parse_property_get(sqe);
    const auto set = parse_property_set(sqe);
    ASSERT_EQ(get.has_value(), (attrib & 7) <= 1) << attrib;
    ASSERT_EQ(set.has_value(), get.has_value());
    if (get) {
      EXPECT_EQ(*get,
                (PropertyGet{.offset = 0x14, .size = static_cast<std::uint8_t>((attrib & 7) == 0 ? 4 : 8)}));
    } else {
      EXPECT_EQ(get.error(), (CommandError{status::kInvalidField.with_dnr(), 40, 0}));
      EXPECT_EQ(set.error(), get.error());
    }
  }
}

TEST(Fabrics, PropertySetValue) {
  const PropertySet wide{.offset = 0x28, .size = 8, .value = 0x1122334455667788};
  EXPECT_EQ(*parse_property_set(make_property_set(wide)), wide);
  PropertySet narrow = wide;
  narrow.size = 4;  // the upper half is on the wire and is dropped
  EXPECT_EQ(parse_property_set(make_property_set(narrow))->value, 0x55667788u);
  EXPECT_EQ(make_property_set(wide).fctype(), 0);
  EXPECT_EQ(make_property_get({}).fctype(), 4);
}

TEST(Fabrics, Disconnect) {
  Sqe sqe = make_disconnect();
  EXPECT_EQ(sqe.fctype(), 8);
  EXPECT_TRUE(parse_disconnect(sqe).has_value());
  put16(sqe, 40, 1);
  EXPECT_EQ(parse_disconnect(sqe).error(), (CommandError{status::kInvalidField.with_dnr(), 40, 0}));
}

}  // namespace
}  // namespace weft::wire
