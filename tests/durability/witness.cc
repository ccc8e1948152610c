#include "durability/witness.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

namespace weft::durability {

namespace {

constexpr std::uint64_t kMostBlocks = 16;  // of a command
constexpr std::uint64_t kTorn = ~std::uint64_t{0};

}  // namespace

fabric::FakeHost::Via Witness::via(bool fua) {
  return {.queue = static_cast<std::uint16_t>(1 + dice_.below(2)), .fua = fua, .in_capsule = false};
}

void Witness::work(int commands, Mix mix) {
  for (int i = 0; i < commands; ++i) {
    if (mix.one_flush_in != 0 && dice_.one_in(mix.one_flush_in)) {
      flush();
      continue;
    }
    const std::uint64_t count = 1 + dice_.below(kMostBlocks);
    const std::uint64_t lba = dice_.below(blocks_.size() - count + 1);
    if (dice_.one_in(6))
      zero(lba, static_cast<std::uint32_t>(count));
    else
      write(lba, static_cast<std::uint32_t>(count), mix.one_fua_in != 0 && dice_.one_in(mix.one_fua_in));
  }
}

void Witness::write(std::uint64_t lba, std::uint32_t blocks, bool fua) {
  const std::uint64_t value = next_value_++;
  std::vector<std::byte> data(std::size_t{blocks} * block_bytes_);
  for (std::size_t at = 0; at < data.size(); at += sizeof value)
    std::memcpy(data.data() + at, &value, sizeof value);
  count(host_->write(nsid_, {lba, blocks}, data, via(fua)));
  note(lba, blocks, value, fua);
}

void Witness::zero(std::uint64_t lba, std::uint32_t blocks) {
  count(host_->write_zeroes(nsid_, {lba, blocks}, dice_.one_in(2), via()));
  note(lba, blocks, 0, false);
}

void Witness::note(std::uint64_t lba, std::uint32_t blocks, std::uint64_t value, bool durable) {
  for (std::uint64_t i = lba; i < lba + blocks; ++i) {
    blocks_[i].last = value;
    if (durable) blocks_[i].allowed.clear();
    blocks_[i].allowed.insert(value);
  }
}

void Witness::flush() {
  count(host_->flush(nsid_, via()));
  note_all_durable();
}

void Witness::note_all_durable() {
  for (Block& block : blocks_) block.allowed = {block.last};
}

std::vector<std::string> Witness::look() {
  std::vector<std::string> lost;
  vanished_ = 0;
  std::vector<std::byte> data(block_bytes_);
  for (std::uint64_t lba = 0; lba < blocks_.size(); ++lba) {
    count(host_->read(nsid_, {lba, 1}, data, via()));
    std::uint64_t value = 0;
    std::memcpy(&value, data.data(), sizeof value);
    for (std::size_t at = 0; at < data.size(); at += sizeof value)
      if (std::memcmp(data.data() + at, &value, sizeof value) != 0) value = kTorn;
    Block& block = blocks_[lba];
    vanished_ += value == block.last ? 0 : 1;
    if (!block.allowed.contains(value))
      lost.push_back(fmt::format("block {} reads as write {}, which is none of {}", lba, value,
                                 fmt::join(block.allowed, ", ")));
    block = {value, {value}};
  }
  return lost;
}

}  // namespace weft::durability
