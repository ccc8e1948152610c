#!/usr/bin/env python3
"""weftd with ten thousand idle connections: what each costs in memory, and that together they cost no CPU time.

In builds with a sanitizer they are a thousand."""

import os
import pathlib
import resource
import sys
import time
import unittest

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")

import nvme
from programs import Case, document, free_port

NQN = "nqn.2026-01.io.example:idle"
CONNECTIONS = 1000 if os.environ.get("WEFT_SANITIZE") else 10_000
WARM_UP = 20  # connections, after which everything is there that is allocated once
MOST_BYTES_EACH = 16 * 1024  # in builds without a sanitizer
MOST_CPU_SHARE = 0.01  # of one core
MEASURED_SECONDS = 5
SETTLE_SECONDS = 60  # at most
SKIPPED = 77


def memory_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settle(pid):
    """Until a second passes in which the process does nothing that is counted."""
    end = time.monotonic() + SETTLE_SECONDS
    before = cpu_seconds(pid)
    while time.monotonic() < end:
        time.sleep(1)
        now = cpu_seconds(pid)
        if now == before:
            return
        before = now


def is_silent(connection):
    connection.socket.setblocking(False)
    try:
        connection.socket.recv(1)
        return False
    except BlockingIOError:
        return True


class Controller(nvme.Controller):
    """Without keep alive: nobody is there to send it."""

    def command(self, what, opcode, nsid_or_type, dwords, data=b"", want=0):
        if what == "Connect":
            dwords = dwords[:8] + bytes(4)
        return super().command(what, opcode, nsid_or_type, dwords, data, want)


class Idle(Case):
    def open(self, port, count):
        """Half of them admin queues, each with one I/O queue."""
        connections = []
        for _ in range(count // 2):
            controller = Controller(("127.0.0.1", port), NQN)
            connections += [controller, controller.io_queue()]
        return connections

    def test_very_many(self):
        port = free_port()
        program, _ = self.weftd(document(NQN, port, plugin="null"), "--reactors", "2")
        program.line()
        pid = program.process.pid
        connections = self.open(port, WARM_UP)
        before = memory_bytes(pid)
        connections += self.open(port, CONNECTIONS - WARM_UP)
        each = (memory_bytes(pid) - before) / (CONNECTIONS - WARM_UP)
        settle(pid)
        cpu, start = cpu_seconds(pid), time.monotonic()
        time.sleep(MEASURED_SECONDS)
        share = (cpu_seconds(pid) - cpu) / (time.monotonic() - start)
        print(f"{len(connections)} idle connections: {each / 1024:.1f} KiB each, {share * 100:.2f} % of a core")
        self.assertTrue(all(is_silent(connection) for connection in connections))
        self.assertLess(share, MOST_CPU_SHARE)
        if not os.environ.get("WEFT_SANITIZE"):
            self.assertLess(each, MOST_BYTES_EACH)
        self.assertEqual(program.end()[0], 0, program.errors())
        for connection in connections:
            connection.close()


def raise_open_files():
    wanted = CONNECTIONS + 100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        print(f"skipped: only {hard} open files are permitted, {wanted} are needed (ulimit -Hn)")
        sys.exit(SKIPPED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    raise_open_files()
    unittest.main()
