"""weftd may not have more memory than it has, by its own limit or by its control group's, while a crowd of hosts comes.  It may
refuse them.  Where it ends, as programs do that are refused memory, it is started again, and nothing is lost."""

import contextlib
import pathlib
import struct
import subprocess
import time

import nvme
from bed import NQN, Bed
from machine import MemoryGroup, missing_memory_group

NAME = "out of memory"
HOSTS = 100
QUEUES = 16  # of each
SPARE_BYTES = 1 << 20
UNLIMITED = 1 << 40


def missing():
    by_group = missing_memory_group()
    return by_group and f"control group: {by_group}"


def virtual(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmSize:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no size")


def limit_addresses(pid, count):
    subprocess.run(["prlimit", f"--pid={pid}", f"--as={count}:"], check=True)


def run(soak):
    # Each anew: what a crowd once took is kept for the next.
    for number in soak.turns():
        bed = Bed(soak, NAME, {"fd_buffered_io": soak.dice.choice("01")})
        try:
            group = MemoryGroup(bed)
        except BaseException:
            bed.stack.close()
            raise
        bed.before = group.within()
        with bed:
            if number % 2 == 0:
                with bed.fault("no more address space") as result:
                    limit_addresses(bed.pid, virtual(bed.pid) + SPARE_BYTES)
                    crowd(bed, result)
                    limit_addresses(bed.pid, "unlimited")
            else:
                with bed.fault("no more memory in its control group") as result:
                    group.allow(group.use() + SPARE_BYTES)
                    crowd(bed, result, lambda: group.allow(UNLIMITED))
                    group.allow(UNLIMITED)


def crowd(bed, result, mend=lambda: None):
    """Hosts come for as long as they are let in, read, and go again."""
    came, why = 0, ""
    with contextlib.ExitStack() as hosts:
        try:
            for _ in range(HOSTS):
                come(bed, hosts)
                came += 1
        except (OSError, nvme.Refused, AssertionError) as error:
            why = f", then {error or type(error).__name__}"
        time.sleep(0.3)
    result.note = f"{came} hosts came in{why}"
    if bed.weftd.process.poll() is not None:
        result.note += f"; weftd ended with {bed.weftd.process.returncode}"
        mend()
        bed.start()


def come(bed, hosts):
    address = (bed.host, bed.port)
    controller = hosts.enter_context(nvme.Controller(address, NQN))
    controller.command("Set Features 07", 9, 0, struct.pack("<II", 7, (QUEUES - 1) << 16 | (QUEUES - 1)))
    for qid in range(1, QUEUES + 1):
        queue = nvme.IoQueue(address, NQN, controller.host, qid=qid, cntlid=controller.cntlid)
        hosts.enter_context(queue).read(0, 1 << 17)
