#include "base/planted.h"

namespace weft {

#ifdef WEFT_PLANTED_BUGS
Bug planted_bug = Bug::none;
#endif

}  // namespace weft
