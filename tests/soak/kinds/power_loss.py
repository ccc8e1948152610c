"""weftd is killed below a cache that only its flushes empty, so that its power is lost.  What was flushed before, or written by
force, is there; what was not may be gone, but not come back later."""

import time

from bed import Bed
from steered import FILTERED_WEFTD

NAME = "power loss"


def run(soak):
    with Bed(soak, NAME, {"fd_buffered_io": soak.dice.choice("01")}, program=(FILTERED_WEFTD, "--volatile")) as bed:
        while soak.goes_on():
            with bed.fault("killed with what was not flushed"):
                time.sleep(soak.dice.uniform(0.1, 1))
                bed.kill()
                bed.load.do("power")
                bed.start()
