"""weftd is killed and started again, at once or after a while.  Hosts see no failure, and everything that was acknowledged
is there: what a process wrote outlives it."""

import time

from bed import Bed

NAME = "SIGKILL"


def run(soak):
    with Bed(soak, NAME, {"fd_buffered_io": soak.dice.choice("01")}) as bed:
        while soak.goes_on():
            pause = soak.dice.choice([0, soak.dice.uniform(0, 2)])
            with bed.fault(f"killed, started again after {pause:.1f} s"):
                bed.kill()
                time.sleep(pause)
                bed.start()
