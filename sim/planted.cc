#include "sim/planted.h"

namespace weft::sim {

const std::vector<NamedBug>& all_bugs() {
  static const std::vector<NamedBug> kAll = {
      {"early_completion", Bug::early_completion, "quiet"},
      {"torn_write", Bug::torn_write, "quiet"},
      {"dropped_flush", Bug::dropped_flush, "power"},
      {"dropped_fua", Bug::dropped_fua, "power"},
      {"unfenced_late_write", Bug::unfenced_late_write, "silence"},
      {"unseen_ends", Bug::unseen_ends, "stalls"},
      {"stale_ana", Bug::stale_ana, "admin"},
      {"reply_twice", Bug::reply_twice, "quiet"},
      {"reply_lost", Bug::reply_lost, "quiet"},
      {"lost_event", Bug::lost_event, "paths"},
      {"immortal_host", Bug::immortal_host, "silence"},
      {"unchecked_digest", Bug::unchecked_digest, "damage"},
      {"short_transfer", Bug::short_transfer, "quiet"},
      {"used_after_close", Bug::used_after_close, "block_io"},
      {"forgotten_turn", Bug::forgotten_turn, "quiet"},
      {"forgotten_buffer_waiter", Bug::forgotten_buffer_waiter, "quiet"},
      {"leaked_buffers", Bug::leaked_buffers, "block_io"},
      {"too_deep_queue", Bug::too_deep_queue, "quiet"},
      {"stale_size", Bug::stale_size, "admin"},
      {"undrained_namespace", Bug::undrained_namespace, "admin"},
      {"late_host_list", Bug::late_host_list, "configuration"},
      {"early_commit", Bug::early_commit, "configuration"},
      {"unheld_pair", Bug::unheld_pair, "counters"}};
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
