"""weftd is stopped and goes on: for less than the keep alive time, and for longer, after which its hosts have left it and come
back while what they asked for before is still under way in it."""

import signal
import time

from bed import KEEP_ALIVE, Bed

NAME = "SIGSTOP"


def run(soak):
    with Bed(soak, NAME, {"fd_buffered_io": soak.dice.choice("01")}) as bed:
        for number in soak.turns():
            low, high = ((0.1, 1), (1.5 * KEEP_ALIVE, 3 * KEEP_ALIVE))[number % 2]
            pause = soak.dice.uniform(low, high)
            with bed.fault(f"stopped for {pause:.1f} s"):
                bed.weftd.send(signal.SIGSTOP)
                time.sleep(pause)
                bed.weftd.send(signal.SIGCONT)
