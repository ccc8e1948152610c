#!/usr/bin/env python3
"""Another's eyes on the wire: a session with weftd is captured, and tshark's dissector must find nothing wrong in it
and the same PDUs and commands as the host that took part."""

import collections
import json
import shutil
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")

from programs import BIN, PATIENCE, Case, document, free_port

NQN = "nqn.2026-01.io.example:dissected"
SKIPPED = 77
CAPSULE_CMD = 4
DIGESTS = ("nvme-tcp.hdgst.status", "nvme-tcp.ddgst.status")
TYPES = {0: "ICReq", 1: "ICResp", 2: "H2CTermReq", 3: "C2HTermReq", 4: "CapsuleCmd", 5: "CapsuleResp", 6: "H2CData",
         7: "C2HData", 9: "R2T"}
Pdu = collections.namedtuple("Pdu", "kind opcode cid good_hdgst good_ddgst", defaults=(False, False))


def start_capture(path, port):
    """dumpcap, once it captures; or why it does not."""
    capture = subprocess.Popen(
        ["dumpcap", "-q", "-i", "lo", "-f", f"tcp port {port}", "-s", "0", "-B", "64", "-w", path],
        stderr=subprocess.PIPE, text=True,
    )
    said = []
    for line in capture.stderr:
        said.append(line)
        if line.startswith("File:"):
            return capture, None
    capture.wait()
    return None, " ".join("".join(said).split())


def stop_capture(capture):
    capture.send_signal(signal.SIGINT)
    capture.wait()
    capture.stderr.close()


def skip_unless_permitted():
    if shutil.which("dumpcap") is None or shutil.which("tshark") is None:
        print("skipped: tshark and dumpcap are not installed")
        sys.exit(SKIPPED)
    capture, why = start_capture("/dev/null", free_port())
    if capture is None:
        print(f"skipped: dumpcap does not capture here: {why}")
        sys.exit(SKIPPED)
    stop_capture(capture)


def dissect(path, port):
    """The PDUs as tshark sees them, and what it complains about."""
    # Malformed and wrong digests; TCP's own remarks on a busy loopback are no concern of ours.  What one CPU sends may be
    # captured before what another sent earlier.
    text = subprocess.run(
        ["tshark", "-r", path, "-d", f"tcp.port=={port},nvme-tcp", "-o", "nvme-tcp.check_hdgst:TRUE", "-o",
         "nvme-tcp.check_ddgst:TRUE", "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", "nvme-tcp || _ws.malformed", "-T", "pdml"],
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


class Dissected(Case):
    def session(self, port, options):
        """What the dissector saw, its complaints, and what the host says."""
        name = "-".join(["session", *options])
        log, captured = self.folder / f"{name}.log", self.folder / f"{name}.pcapng"
        capture, why = start_capture(captured, port)
        self.assertIsNotNone(capture, why)
        try:
            subprocess.run([BIN / "raw_session", str(port), NQN, log, *options], check=True)
            wanted = logged(log)
            end = time.monotonic() + PATIENCE
            pdus, complaints = dissect(captured, port)
            while len(pdus) < len(wanted) and time.monotonic() < end:
                time.sleep(0.2)
                pdus, complaints = dissect(captured, port)
        finally:
            stop_capture(capture)
        seen = ", ".join(f"{count} {kind}" for kind, count in sorted(counted(pdus).items()))
        print(f"{name}: {len(pdus)} PDUs, {seen}")
        return pdus, complaints, wanted

    def test_sessions(self):
        self.folder.chmod(0o777)  # dumpcap may be another user
        port = free_port()
        program, _ = self.weftd(document(NQN, port))
        program.line()
        # Without padding: tshark 4.0 takes the data to follow the header, whatever PDO says.
        for options in ([], ["hdgst"], ["ddgst"], ["hdgst", "ddgst"]):
            with self.subTest(options=options):
                pdus, complaints, wanted = self.session(port, options)
                self.assertEqual(complaints, [])
                self.assertEqual(counted(pdus), counted(wanted))
                self.assertEqual(commands(pdus), commands(wanted))
                self.assertEqual(list(digest_problems(pdus, options)), [])
        self.assertEqual(program.end()[0], 0, program.errors())


if __name__ == "__main__":
    skip_unless_permitted()
    unittest.main()
