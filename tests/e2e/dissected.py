#!/usr/bin/env python3
"""Another's eyes on the wire: a session with weftd is captured, and tshark's dissector must find nothing wrong in it
and the same PDUs and commands as the host that took part."""

import collections
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

NQN = "nqn.2024-01.test:dissected"
SKIPPED = 77
CAPTURE_SECONDS = 60  # until all that was sent is in the file, at most
CAPSULE_CMD = 4
DIGESTS = ("nvme-tcp.hdgst.status", "nvme-tcp.ddgst.status")
TYPES = {0: "ICReq", 1: "ICResp", 2: "H2CTermReq", 3: "C2HTermReq", 4: "CapsuleCmd", 5: "CapsuleResp", 6: "H2CData",
         7: "C2HData", 9: "R2T"}
Pdu = collections.namedtuple("Pdu", "kind opcode cid good_hdgst good_ddgst", defaults=(False, False))
BIN = pathlib.Path(os.environ["WEFT_BIN_DIR"])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_weftd(folder, port):
    document = {
        "version": 1,
        "target": {"core": {"rd_mcp_1": {"disk": {"control": {"rd_pages": "8192"}, "enable": 1}}}},
        "nvmet": {
            "subsystems": {
                NQN: {
                    "attr_allow_any_host": "1",
                    "namespaces": {"1": {"device": "target/core/rd_mcp_1/disk"}},
                    "ports": {f"tcp:127.0.0.1:{port}": {"enable": 1}},
                }
            }
        },
    }
    config = folder / "weft.json"
    config.write_text(json.dumps(document))
    weftd = subprocess.Popen(
        [BIN / "weftd", "--config", config, "--state-dir", folder], stdout=subprocess.PIPE, text=True
    )
    line = weftd.stdout.readline()
    if not line.startswith("listening on"):
        weftd.kill()
        raise RuntimeError(f"weftd does not listen: {line!r}")
    return weftd


def start_capture(path, port):
    """dumpcap, once it captures; or the end of the test where that is not permitted."""
    if shutil.which("dumpcap") is None or shutil.which("tshark") is None:
        print("skipped: tshark and dumpcap are not installed")
        sys.exit(SKIPPED)
    capture = subprocess.Popen(
        ["dumpcap", "-q", "-i", "lo", "-f", f"tcp port {port}", "-s", "0", "-B", "64", "-w", path],
        stderr=subprocess.PIPE, text=True,
    )
    said = []
    for line in capture.stderr:
        said.append(line)
        if line.startswith("File:"):
            return capture
    capture.wait()
    print("skipped: dumpcap does not capture here: " + " ".join("".join(said).split()))
    sys.exit(SKIPPED)


def dissect(path, port):
    """The PDUs as tshark sees them, and what it complains about."""
    # Malformed and wrong digests; TCP's own remarks on a busy loopback are no concern of ours.
    text = subprocess.run(
        ["tshark", "-r", path, "-d", f"tcp.port=={port},nvme-tcp", "-o", "nvme-tcp.check_hdgst:TRUE", "-o",
         "nvme-tcp.check_ddgst:TRUE", "-Y", "nvme-tcp || _ws.malformed", "-T", "pdml"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
    ).stdout
    pdus, complaints = [], []
    try:
        packets = ElementTree.fromstring(text).findall("packet")
    except ElementTree.ParseError:
        return [], ["nothing to read yet"]  # the capture is being written
    for packet in packets:
        protos = packet.findall("proto")
        for at, proto in enumerate(protos):
            name = proto.get("name")
            if name == "_ws.malformed":
                complaints.append(f"frame {number_of(packet)}: malformed")
            if name in ("nvme-tcp", "nvme"):
                complaints += [f"frame {number_of(packet)}: {field.get('showname')}"
                               for field in proto.iter() if is_complaint(field)]
            if name == "nvme-tcp":
                pdus.append(read_pdu(proto, command_after(protos, at)))
    return pdus, complaints


def command_after(protos, at):
    """tshark puts a command that is none of Fabrics beside its PDU, not into it."""
    following = protos[at + 1] if at + 1 < len(protos) else None
    return following if following is not None and following.get("name") == "nvme" else None


def number_of(packet):
    return packet.find("proto[@name='geninfo']/field[@name='num']").get("show")


def is_complaint(field):
    name = field.get("name")
    if name in ("_ws.malformed", "_ws.expert"):
        return True
    return name in DIGESTS and not is_good(field)


def is_good(field):
    return field.get("showname").endswith(": Good")


def read_pdu(proto, command):
    def number(name, within=proto):
        field = next((each for each in within.iter("field") if each.get("name") == name), None)
        return None if field is None else int.from_bytes(bytes.fromhex(field.get("value")), "little")

    kind = number("nvme-tcp.type")
    opcode = cid = None
    if kind == CAPSULE_CMD:
        opcode, cid = number("nvme.fabrics.cmd.opc"), number("nvme.fabrics.cmd.cid")
        if opcode is None and command is not None:
            opcode, cid = number("nvme.cmd.opc", command), number("nvme.cmd.cid", command)
    good = [any(field.get("name") == name and is_good(field) for field in proto.iter("field")) for name in DIGESTS]
    return Pdu(kind, opcode, cid, *good)


def counted(pdus):
    return collections.Counter(TYPES.get(pdu.kind, str(pdu.kind)) for pdu in pdus)


def commands(pdus):
    return collections.Counter((pdu.opcode, pdu.cid) for pdu in pdus if pdu.kind == CAPSULE_CMD)


def logged(path):
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [Pdu(record["type"], record.get("opcode"), record.get("cid")) for record in records]


def digest_problems(pdus, options):
    """Each PDU but ICReq and ICResp has a header digest, and each H2CData and C2HData a data digest, as agreed."""
    for pdu in pdus:
        kind = TYPES.get(pdu.kind, str(pdu.kind))
        if pdu.good_hdgst != ("hdgst" in options and kind not in ("ICReq", "ICResp")):
            yield f"{kind}: header digest seen as good: {pdu.good_hdgst}"
        if kind in ("H2CData", "C2HData") and pdu.good_ddgst != ("ddgst" in options):
            yield f"{kind}: data digest seen as good: {pdu.good_ddgst}"


def check_session(folder, port, options):
    name = "-".join(["session", *options])
    log, captured = folder / f"{name}.log", folder / f"{name}.pcapng"
    capture = start_capture(captured, port)
    try:
        subprocess.run([BIN / "raw_session", str(port), NQN, log, *options], check=True)
        wanted = logged(log)
        end = time.monotonic() + CAPTURE_SECONDS
        pdus, complaints = dissect(captured, port)
        while len(pdus) < len(wanted) and time.monotonic() < end:
            time.sleep(0.2)
            pdus, complaints = dissect(captured, port)
    finally:
        capture.send_signal(signal.SIGINT)
        capture.wait()
    print(f"{name}: {len(pdus)} PDUs, " + ", ".join(f"{count} {kind}" for kind, count in sorted(counted(pdus).items())))
    problems = complaints + list(digest_problems(pdus, options))
    if counted(pdus) != counted(wanted):
        problems.append(f"PDUs: the dissector saw {dict(counted(pdus))}, the host {dict(counted(wanted))}")
    if commands(pdus) != commands(wanted):
        problems.append(f"commands (opcode, cid): only the dissector saw {commands(pdus) - commands(wanted)}, "
                        f"only the host {commands(wanted) - commands(pdus)}")
    return [f"{name}: {problem}" for problem in problems]


def main():
    problems = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)  # dumpcap may be another user
        port = free_port()
        weftd = start_weftd(folder, port)
        try:
            # Without padding: tshark 4.0 takes the data to follow the header, whatever PDO says.
            for options in ([], ["hdgst"], ["ddgst"], ["hdgst", "ddgst"]):
                problems += check_session(folder, port, options)
        finally:
            weftd.terminate()
            weftd.wait()
    for problem in problems[:50]:
        print(problem)
    sys.exit(1 if problems else 0)


main()
