// Intrusive lists on the data path: no allocation to be in one, constant-time removal.  An object that is
// destroyed while linked is a failed check (safe_link).
#pragma once

#include <boost/intrusive/list.hpp>

namespace weft {

// An object that may be in several lists at once derives from ListHook<Tag> once for each.
template <class Tag = void>
using ListHook = boost::intrusive::list_base_hook<boost::intrusive::tag<Tag>,
                                                  boost::intrusive::link_mode<boost::intrusive::safe_link>>;

template <class T, class Tag = void>
using List = boost::intrusive::list<T, boost::intrusive::base_hook<ListHook<Tag>>,
                                    boost::intrusive::constant_time_size<false>>;

}  // namespace weft
