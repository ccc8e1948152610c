#include "sim/planted.h"

namespace weft::sim {

const std::vector<NamedBug>& all_bugs() {
  static const std::vector<NamedBug> kAll = {
      {"early_completion", Bug::early_completion},
      {"torn_write", Bug::torn_write},
      {"dropped_flush", Bug::dropped_flush},
      {"dropped_fua", Bug::dropped_fua},
      {"unfenced_late_write", Bug::unfenced_late_write},
      {"unseen_ends", Bug::unseen_ends},
      {"stale_ana", Bug::stale_ana},
      {"reply_twice", Bug::reply_twice},
      {"reply_lost", Bug::reply_lost},
      {"lost_event", Bug::lost_event},
      {"immortal_host", Bug::immortal_host},
      {"unchecked_digest", Bug::unchecked_digest},
      {"short_transfer", Bug::short_transfer},
      {"used_after_close", Bug::used_after_close},
      {"forgotten_turn", Bug::forgotten_turn},
      {"forgotten_buffer_waiter", Bug::forgotten_buffer_waiter},
      {"leaked_buffers", Bug::leaked_buffers},
      {"too_deep_queue", Bug::too_deep_queue},
      {"stale_size", Bug::stale_size},
      {"undrained_namespace", Bug::undrained_namespace}};
  return kAll;
}

bool has_planted_bugs() {
#ifdef WEFT_PLANTED_BUGS
  return true;
#else
  return false;
#endif
}

void plant([[maybe_unused]] Bug bug) {
#ifdef WEFT_PLANTED_BUGS
  planted_bug = bug;
#endif
}

}  // namespace weft::sim
