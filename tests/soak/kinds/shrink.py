"""The file of a disk is cut to half under load, and made whole again.  What lies below the cut is not touched, what lies
beyond is the administrator's loss, and weftd goes on: with the new size once it has seen it, and with the old one again."""

import os
import signal
import time

from bed import Bed
from steered import MIB

NAME = "file shrinks"


def run(soak):
    with Bed(soak, NAME, {"fd_buffered_io": soak.dice.choice("01")}) as bed:
        whole = MIB << 20
        while soak.goes_on():
            cut = soak.dice.choice([whole // 2, whole // 4])
            # What is read beyond the cut may be anything until all of it is written again.
            bed.load.do(f"trust {cut}")

            def write_again():
                bed.load.do(f"rewrite {cut}")
                bed.load.do("trust all")

            with bed.fault(f"cut to {cut >> 20} MiB of {MIB}", fails=".*", loses=write_again):
                os.truncate(bed.disk, cut)
                if soak.dice.random() < 0.5:
                    bed.weftd.send(signal.SIGHUP)  # it looks at the size, as it does from time to time
                time.sleep(soak.dice.uniform(0.2, 1))
                os.truncate(bed.disk, whole)
                bed.weftd.send(signal.SIGHUP)
