// Strong ids: numbers that the protocol or the configuration gives out and that must not be mixed up.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace weft {

template <class Tag, class Rep>
class StrongId {
 public:
  using rep = Rep;
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const StrongId&) const = default;

 private:
  Rep value_ = 0;
};

using Nsid = StrongId<struct NsidTag, std::uint32_t>;       // namespace id, 1 to 0xFFFFFFFE
using Cntlid = StrongId<struct CntlidTag, std::uint16_t>;   // controller id
using Qid = StrongId<struct QidTag, std::uint16_t>;         // queue id, 0 = admin
using Cid = StrongId<struct CidTag, std::uint16_t>;         // command id, the host's
using PortId = StrongId<struct PortIdTag, std::uint16_t>;   // discovery log PORTID
using AnaGroupId = StrongId<struct AnaTag, std::uint32_t>;  // ANA group, 1 to 128

inline constexpr Nsid kAllNamespaces{0xFFFFFFFFu};
inline constexpr Cntlid kDynamicController{0xFFFFu};

}  // namespace weft

template <class Tag, class Rep>
struct std::hash<weft::StrongId<Tag, Rep>> {
  std::size_t operator()(const weft::StrongId<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>()(id.value());
  }
};
