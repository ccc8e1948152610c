"""A backend does not answer for a while: its commands wait, and then all of them are done.  Or their host falls silent
meanwhile for longer than its keep alive time and comes back: what it asked for before must not overtake what it asks for now."""

import signal
import time

from bed import KEEP_ALIVE, Bed
from steered import FILTERED_WEFTD

NAME = "hanging backend"


def run(soak):
    with Bed(soak, NAME, program=(FILTERED_WEFTD,)) as bed:
        for number in soak.turns():
            ops = soak.dice.choice(["read,write,flush", "write", "flush"])
            if number % 2 == 0:
                pause = soak.dice.uniform(0.3, 4)
                with bed.fault(f"{ops} held for {pause:.1f} s"):
                    bed.weftd.ask(f"hold {ops}")
                    time.sleep(pause)
                    bed.weftd.ask("release")
            else:
                pause = 3 * KEEP_ALIVE
                with bed.fault(f"{ops} held, and the host stopped for {pause} s"):
                    bed.weftd.ask(f"hold {ops}")
                    time.sleep(0.2)
                    losses = bed.load.report["losses"]
                    bed.load.send(signal.SIGSTOP)
                    time.sleep(pause)
                    bed.load.send(signal.SIGCONT)
                    bed.until(lambda: bed.load.report["losses"] > losses, "the host to find that it was left")
                    time.sleep(1)
                    bed.weftd.ask("release")
