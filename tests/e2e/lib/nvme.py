"""A very small NVMe/TCP host: connects, reads logs and Identify data, writes and reads blocks.  It checks what it is
told with assertions: every surprise ends the test."""

import socket
import struct
import uuid

DISCOVERY = "nqn.2014-08.org.nvmexpress.discovery"
HOST = "nqn.2014-08.org.nvmexpress:uuid:6f1e3c54-7d0f-4d4b-9b7c-0d9a7a4b1c2e"

IC_REQ, IC_RESP, CAPSULE_CMD, CAPSULE_RESP, C2H_DATA = 0, 1, 4, 5, 7
IN_CAPSULE, TRANSPORT = 0x01, 0x5A  # kinds of SGL
SUCCESS_FLAG = 8
DISCOVERY_ENTRIES_AT_ONCE = 64


class Refused(Exception):
    """A command ended with a status; .sct and .sc say which."""

    def __init__(self, what, status):
        self.sct, self.sc, self.dnr = status >> 9 & 7, status >> 1 & 0xFF, bool(status >> 15)
        super().__init__(f"{what}: status {self.sct:x}:{self.sc:02x}{' DNR' if self.dnr else ''}")


class Queue:
    """One connection, connected as one queue of a controller."""

    def __init__(self, address, subsystem, host=HOST, qid=0, cntlid=0xFFFF, timeout=20):
        self.socket = socket.create_connection(address, timeout)
        self.cid = 0
        try:
            self.connect(subsystem, host, qid, cntlid)
        except BaseException:
            self.close()
            raise

    def connect(self, subsystem, host, qid, cntlid):
        self.send(struct.pack("<BBBBIHBBI", IC_REQ, 0, 128, 0, 128, 0, 0, 0, 0).ljust(128, b"\0"))
        kind, _, header = self.receive()
        assert kind == IC_RESP and len(header) == 120, (kind, len(header))
        names = subsystem.encode().ljust(256, b"\0") + host.encode().ljust(256, b"\0")
        identity = uuid.uuid5(uuid.NAMESPACE_URL, host).bytes + struct.pack("<H", cntlid)
        data = identity.ljust(256, b"\0") + names
        connect = struct.pack("<HHHBBI", 0, qid, 31, 0, 0, 0 if qid else 15000)
        result, _ = self.command("Connect", 0x7F, 1, connect, data.ljust(1024, b"\0"))
        self.cntlid = result & 0xFFFF

    def send(self, bytes_):
        self.socket.sendall(bytes_)

    def take(self, count):
        parts = b""
        while len(parts) < count:
            piece = self.socket.recv(count - len(parts))
            if not piece:
                raise ConnectionError("the target closed the connection")
            parts += piece
        return parts

    def receive(self):
        kind, flags, header_length, _, length = struct.unpack("<BBBBI", self.take(8))
        assert header_length <= length, (kind, header_length, length)
        return kind, flags, self.take(length - 8)

    def command(self, what, opcode, nsid_or_type, dwords, data=b"", want=0):
        """Returns dword 0 of the completion and the data that came."""
        self.cid += 1
        sgl = struct.pack("<QI3xB", 0, len(data) or want, IN_CAPSULE if data else TRANSPORT)
        sqe = struct.pack("<BBHI16x", opcode, 0x40, self.cid, nsid_or_type) + sgl + dwords.ljust(24, b"\0")
        offset = 72 if data else 0
        self.send(struct.pack("<BBBBI", CAPSULE_CMD, 0, 72, offset, 72 + len(data)) + sqe + data)
        came = bytearray(want)
        while True:
            kind, flags, rest = self.receive()
            if kind == C2H_DATA:
                at, length = struct.unpack_from("<II", rest, 4)
                came[at : at + length] = rest[-length:]
                if flags & SUCCESS_FLAG:
                    return 0, bytes(came)
                continue
            assert kind == CAPSULE_RESP, f"{what}: PDU type {kind}"
            result, cid, status = struct.unpack("<I8xHH", rest)
            assert cid == self.cid, f"{what}: answer to {cid}"
            if status >> 1:
                raise Refused(what, status)
            return result, bytes(came)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Controller(Queue):
    """An admin queue with the controller enabled."""

    def __init__(self, address, subsystem, host=HOST):
        self.address, self.subsystem, self.host = address, subsystem, host
        super().__init__(address, subsystem, host)

    def connect(self, *where):
        super().connect(*where)
        self.command("Property Set CC", 0x7F, 0, struct.pack("<B3xIQ", 0, 0x14, 6 << 16 | 4 << 20 | 1))
        status, _ = self.command("Property Get CSTS", 0x7F, 4, struct.pack("<B3xI", 0, 0x1C))
        assert status & 1, f"CSTS {status:x}: not ready"

    def identify(self, cns, nsid=0):
        return self.command(f"Identify {cns:02x}", 6, nsid, struct.pack("<I", cns), want=4096)[1]

    def log_page(self, page, length, offset=0):
        dwords = length // 4 - 1
        words = struct.pack("<IIQ", page | (dwords & 0xFFFF) << 16, dwords >> 16, offset)
        return self.command(f"log {page:02x}", 2, 0, words, want=length)[1]

    def serial(self):
        return self.identify(1)[4:24].decode().strip()

    def namespaces(self):
        return [nsid for nsid in struct.unpack("<1024I", self.identify(2)) if nsid]

    def identifiers(self, nsid):
        """NGUID and UUID of a namespace, as text."""
        data, found, at = self.identify(3, nsid), {}, 0
        while data[at]:
            kind, length = data[at], data[at + 1]
            found[kind] = data[at + 4 : at + 4 + length].hex()
            at += 4 + length
        return found[2], found[3]

    def io_queue(self):
        self.command("Set Features 07", 9, 0, struct.pack("<II", 7, 0))
        return IoQueue(self.address, self.subsystem, self.host, qid=1, cntlid=self.cntlid)


class IoQueue(Queue):
    def write(self, lba, data, block=512, nsid=1):
        words = struct.pack("<QI", lba, len(data) // block - 1)
        self.command("Write", 1, nsid, words, data)

    def flush(self, nsid=1):
        self.command("Flush", 0, nsid, b"")

    def read(self, lba, length, block=512, nsid=1):
        words = struct.pack("<QI", lba, length // block - 1)
        return self.command("Read", 2, nsid, words, want=length)[1]


def discover(address, host=HOST):
    """The entries of the discovery log: (kind, nqn, traddr, trsvcid)."""
    with Controller(address, DISCOVERY, host) as controller:
        count = struct.unpack_from("<Q", controller.log_page(0x70, 1024), 8)[0]
        entries = []
        some = DISCOVERY_ENTRIES_AT_ONCE
        parts = [controller.log_page(0x70, 1024 * min(some, count - i), 1024 * (i + 1)) for i in range(0, count, some)]
        records = b"".join(parts)
        for i in range(count):
            entry = records[1024 * i : 1024 * (i + 1)]
            nqn = entry[256:512].split(b"\0")[0].decode()
            entries.append((entry[2], nqn, entry[512:768].decode().strip(), entry[32:64].decode().strip()))
        return entries
