"""The wire between host and target is cut, at either end, and restored: before the keep alive time is over, after which the same
connections go on, and after it, when both ends have given them up."""

import time

from bed import KEEP_ALIVE, Bed
from machine import Wire, missing_wire

NAME = "network cut"


def missing():
    return missing_wire()


def on_wire(soak, name):
    bed = Bed(soak, name, {"fd_buffered_io": soak.dice.choice("01")}, host=Wire.NEAR)
    try:
        wire = Wire(bed)
    except BaseException:
        bed.stack.close()
        raise
    bed.before, bed.load_before = wire.within(wire.near), wire.within(wire.far)
    return bed, wire


def run(soak):
    bed, wire = on_wire(soak, NAME)
    with bed:
        for number in soak.turns():
            end = soak.dice.choice([wire.near, wire.far])
            low, high = ((0.2, 1), (1.5 * KEEP_ALIVE, 4 * KEEP_ALIVE))[number % 2]
            pause = soak.dice.uniform(low, high)
            with bed.fault(f"at the {'target' if end == wire.near else 'host'} for {pause:.1f} s", patience=60):
                wire.set(end, "down")
                time.sleep(pause)
                wire.set(end, "up")
