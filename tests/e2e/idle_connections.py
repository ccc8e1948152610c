#!/usr/bin/env python3
"""weftd with a thousand idle connections: what each costs in memory, and that together they cost no CPU time."""

import json
import os
import pathlib
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid

CONNECTIONS = 1000
MOST_BYTES_EACH = 64 * 1024  # in builds without a sanitizer
MOST_CPU_SHARE = 0.01  # of one core
MEASURED_SECONDS = 5
SETTLE_SECONDS = 60  # at most
NQN = "nqn.2024-01.test:idle"
HOST = "nqn.2014-08.org.nvmexpress:uuid:5f2d3a86-6f0e-4f0b-8a5e-27b1b1a60c11"
SKIPPED = 77


def take(connection, count):
    got = b""
    while len(got) < count:
        piece = connection.recv(count - len(got))
        if not piece:
            raise ConnectionError("the target closed the connection")
        got += piece
    return got


def send_command(connection, what, sqe, data=b""):
    """Dword 0 of the completion."""
    connection.sendall(struct.pack("<BBBBI", 4, 0, 72, 72 if data else 0, 72 + len(data)) + sqe + data)
    answer = take(connection, 24)
    result, status = struct.unpack_from("<I", answer, 8)[0], struct.unpack_from("<H", answer, 22)[0]
    if status >> 1:
        raise RuntimeError(f"{what}: status {status >> 1:#x}")
    return result


def enable(connection):
    """Property Set CC.EN."""
    sqe = struct.pack("<BBHI16xQI3xB", 0x7F, 0x40, 2, 0, 0, 0, 0x5A) + struct.pack("<B3xIQ8x", 0, 0x14, 0x460001)
    send_command(connection, "Property Set", sqe)


def open_queue(port, qid, cntlid):
    """ICReq and Connect; the connection and the controller's id."""
    connection = socket.create_connection(("127.0.0.1", port), 20)
    connection.sendall(struct.pack("<BBBBI", 0, 0, 128, 0, 128).ljust(128, b"\0"))
    if take(connection, 128)[0] != 1:
        raise RuntimeError("no ICResp")
    identity = uuid.UUID(HOST[-36:]).bytes + struct.pack("<H", cntlid)
    data = identity.ljust(256, b"\0") + NQN.encode().ljust(256, b"\0") + HOST.encode().ljust(256, b"\0")
    data = data.ljust(1024, b"\0")
    sqe = struct.pack("<BBHI16xQI3xB", 0x7F, 0x40, 1, 1, 0, len(data), 1)
    sqe += struct.pack("<HHHBxI12x", 0, qid, 31, 0, 0)
    return connection, send_command(connection, f"Connect of queue {qid}", sqe, data) & 0xFFFF


def open_controllers(port, count):
    """So many connections: half of them admin queues, each with one I/O queue."""
    connections = []
    for _ in range(count // 2):
        admin, cntlid = open_queue(port, 0, 0xFFFF)
        enable(admin)
        connections += [admin, open_queue(port, 1, cntlid)[0]]
    return connections


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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def raise_open_files():
    wanted = CONNECTIONS + 100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        print(f"skipped: only {hard} open files are permitted, {wanted} are needed (ulimit -Hn)")
        sys.exit(SKIPPED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def start_weftd(folder, port):
    document = {
        "version": 1,
        "target": {"core": {"null_1": {"disk": {"control": {"size": "1073741824"}, "enable": 1}}}},
        "nvmet": {
            "subsystems": {
                NQN: {
                    "attr_allow_any_host": "1",
                    "namespaces": {"1": {"device": "target/core/null_1/disk"}},
                    "ports": {f"tcp:127.0.0.1:{port}": {"enable": 1}},
                }
            }
        },
    }
    config = pathlib.Path(folder, "weft.json")
    config.write_text(json.dumps(document))
    program = pathlib.Path(os.environ["WEFT_BIN_DIR"], "weftd")
    weftd = subprocess.Popen(
        [program, "--config", config, "--state-dir", folder, "--reactors", "2"], stdout=subprocess.PIPE, text=True
    )
    line = weftd.stdout.readline()
    if not line.startswith("listening on"):
        weftd.kill()
        raise RuntimeError(f"weftd does not listen: {line!r}")
    return weftd


def measure(pid, port):
    connections = open_controllers(port, 20)  # what is allocated once is there now
    before = memory_bytes(pid)
    connections += open_controllers(port, CONNECTIONS - len(connections))
    each = (memory_bytes(pid) - before) / (CONNECTIONS - 20)
    settle(pid)
    cpu, start = cpu_seconds(pid), time.monotonic()
    time.sleep(MEASURED_SECONDS)
    share = (cpu_seconds(pid) - cpu) / (time.monotonic() - start)
    print(f"{len(connections)} idle connections: {each / 1024:.1f} KiB each, {share * 100:.2f} % of a core")
    for connection in connections:
        connection.setblocking(False)
        try:
            raise RuntimeError(f"an idle connection got {connection.recv(1)!r}")
        except BlockingIOError:
            pass
    for connection in connections:
        connection.close()
    return each, share


def main():
    raise_open_files()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        weftd = start_weftd(folder, port)
        try:
            each, share = measure(weftd.pid, port)
            weftd.terminate()
            if weftd.wait(30) != 0:
                sys.exit(f"weftd ended with status {weftd.returncode}")
        finally:
            weftd.kill()
    if not os.environ.get("WEFT_SANITIZE") and each >= MOST_BYTES_EACH:
        sys.exit(f"a connection takes {each:.0f} bytes; the limit is {MOST_BYTES_EACH}")
    if share >= MOST_CPU_SHARE:
        sys.exit(f"idle connections take {share * 100:.1f} % of a core; the limit is {MOST_CPU_SHARE * 100:.0f} %")


main()
