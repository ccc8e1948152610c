"""weftd runs out of descriptors: connections come until it may open no more.  Who is connected goes on, weftd does not spin, and
when it may open more, or those connections have gone, others come in."""

import contextlib
import os
import pathlib
import socket
import subprocess
import time

import nvme
from bed import NQN, Bed

NAME = "out of descriptors"
SPARE = 8
CONNECTIONS = 40


def limit(pid, soft, hard):
    subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={soft}:{hard}"], check=True)


def limits(pid):
    for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines():
        if line.startswith("Max open files"):
            return line.split()[3:5]
    raise AssertionError("no limit of open files")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(soak):
    with Bed(soak, NAME) as bed:
        address = (bed.host, bed.port)
        while soak.goes_on():
            soft, hard = limits(bed.pid)
            with bed.fault(f"{CONNECTIONS} connections where {SPARE} may be opened") as result, contextlib.ExitStack() as many:
                open_now = max(int(fd) for fd in os.listdir(f"/proc/{bed.pid}/fd")) + 1
                limit(bed.pid, open_now + SPARE, hard)
                for _ in range(CONNECTIONS):
                    many.enter_context(socket.create_connection(address, 5))
                bed.load.wait_until_it_flows(10)
                bed.load.do("hold")
                spare = open_now + SPARE - len(os.listdir(f"/proc/{bed.pid}/fd"))
                assert spare <= 0, f"{spare} more could be opened: nothing is tested"
                before = cpu_seconds(bed.pid)
                time.sleep(0.5)
                used = cpu_seconds(bed.pid) - before
                assert used < 0.25, f"it used {used:.2f} s of CPU time in half a second with nothing to do"
                if soak.dice.random() < 0.5:
                    limit(bed.pid, soft, hard)
                    with nvme.Controller(address, NQN) as controller:
                        assert controller.namespaces() == [1]
                many.close()
                bed.load.do("run")
                limit(bed.pid, soft, hard)
                with nvme.Controller(address, NQN) as controller:
                    assert controller.namespaces() == [1]
                result.note = f"{used:.2f} s of CPU time in 0.5 s"
