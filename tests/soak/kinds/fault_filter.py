"""Backends answer with errors, some commands or all for a while.  Each is told to the host as what it is, with nothing done
that was not asked for, and when they end all goes on."""

import errno
import time

from bed import Bed
from steered import FILTERED_WEFTD

NAME = "fault filter"

# What the host must be told.
ERRORS = {errno.EIO: "(read 2:81|write 2:80|flush 2:80)", errno.ENOSPC: "(read|write|flush) 0:81"}


def run(soak):
    with Bed(soak, NAME, program=(FILTERED_WEFTD,)) as bed:
        while soak.goes_on():
            error = soak.dice.choice(list(ERRORS))
            ops = soak.dice.choice(["read", "write", "flush", "read,write,flush"])
            count = soak.dice.choice([1, 20, 1 << 40])
            with bed.fault(f"{errno.errorcode[error]} for {ops}, {count if count < 1000 else 'all for a while'}", fails=ERRORS[error]):
                bed.weftd.ask(f"fail {ops} {error} {count}")
                time.sleep(soak.dice.uniform(0.3, 1))
                bed.weftd.ask("clear")
