"""The wire between host and target is slow and loses packets, for a while."""

import time

from kinds.cut import on_wire
from machine import missing_netem

NAME = "delay and loss"


def missing():
    return missing_netem()


def run(soak):
    bed, wire = on_wire(soak, NAME)
    with bed:
        while soak.goes_on():
            delay, loss = soak.dice.choice([1, 20, 100]), soak.dice.choice([0.1, 1, 5])
            with bed.fault(f"{delay} ms, {loss} % lost", patience=60):
                wire.disturb("delay", f"{delay}ms", f"{delay / 4}ms", "loss", f"{loss}%")
                time.sleep(soak.dice.uniform(2, 4))
                wire.leave_alone()
