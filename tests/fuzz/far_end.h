// One end of a connection on a network in memory, as a fuzzer plays it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "transports/tcp/digest.h"
#include "transports/tcp/test_network.h"
#include "wire/tcp_pdu.h"

namespace weft {

struct FarEndOptions {
  bool header_digest = false;
  bool data_digest = false;
  bool small_chunks = false;  // the other end receives in pieces of 7 bytes
};

class FarEnd {
 public:
  FarEnd(std::shared_ptr<tcp::Far> far, FarEndOptions options) : far_(std::move(far)), options_(options) {
    if (options.small_chunks) far_->largest_chunk = 7;
  }

  void put(std::span<const std::byte> bytes) {
    far_->to_near.insert(far_->to_near.end(), bytes.begin(), bytes.end());
    pump();
  }
  void leave() {
    if (far_->stream != nullptr) far_->stream->end(0);
  }
  void check_gone() const { WEFT_CHECK(far_->chunks_out == 0 && far_->stream == nullptr); }

 protected:
  tcp::Far& far() { return *far_; }
  FarEndOptions options() const { return options_; }
  void pump() {
    if (far_->stream != nullptr) far_->stream->pump();
  }
  // Calls visit(header, rest) for each whole PDU of what has come, and says what is left.
  template <class Visit>
  std::span<const std::byte> each_pdu(Visit visit) {
    std::span<const std::byte> rest = far_->to_far;
    while (const auto header = wire::load<wire::tcp::CommonHeader>(rest)) {
      if (header->plen < sizeof *header || header->plen > rest.size()) break;
      visit(static_cast<wire::tcp::PduType>(header->type), rest);
      rest = rest.subspan(header->plen);
    }
    return rest;
  }

  // A PDU whose frame and digests are right, whatever it says.
  template <class Pdu>
  void send(Pdu value, wire::tcp::PduType type, std::uint8_t flags, std::span<const std::byte> data) {
    value.ch = wire::tcp::make_header(type, flags, options_.header_digest, options_.data_digest, 0,
                                      static_cast<std::uint32_t>(data.size()));
    const auto header = wire::bytes_of(value);
    std::vector<std::byte> bytes(header.begin(), header.end());
    const auto add_digest = [&bytes](std::uint32_t digest) {
      const wire::le32 out = digest;
      const auto raw = wire::bytes_of(out);
      bytes.insert(bytes.end(), raw.begin(), raw.end());
    };
    if (options_.header_digest) add_digest(tcp::Digest::of(bytes));
    if (!data.empty()) {
      bytes.resize(value.ch.pdo);
      bytes.insert(bytes.end(), data.begin(), data.end());
      if (options_.data_digest) add_digest(tcp::Digest::of(data));
    }
    put(bytes);
  }

 private:
  const std::shared_ptr<tcp::Far> far_;
  const FarEndOptions options_;
};

}  // namespace weft
