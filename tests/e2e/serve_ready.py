#!/usr/bin/env python3
"""What weft serve prints when it is ready is true: the lines, the JSON object, the discovery service, the namespaces."""

import socket
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nvme
from programs import WEFT, Case, Program, address_of, loopback

NQN = "nqn.2026-01.io.example:disk"
CURRENT_DISCOVERY, NVM = 3, 2


class Ready(Case):
    def test_text(self):
        host = loopback()
        words = ["16M", "null:1T", "--listen", f"{host}:0", "--nqn", NQN, "--state-dir", self.state]
        program = Program(self, WEFT, "serve", *words)
        lines = [program.line() for _ in range(7)]
        port = lines[3].partition(";")[0].rpartition(":")[2]
        self.assertEqual(
            lines,
            [
                f"serving {NQN}",
                "  namespace 1: 16M, 16 MiB",
                "  namespace 2: null:1T, 1 TiB",
                f"listening on {host}:{port}; discovery on {host}:8009",
                "on a Linux host, as root:",
                f"  nvme discover -t tcp -a {host} -s 8009",
                f"  nvme connect -t tcp -a {host} -s {port} -n {NQN}",
            ],
        )
        self.assertEqual(program.end(), (0, ""))

    def test_json(self):
        host = loopback()
        program, said = self.serve("16M", "--listen", f"{host}:0", "--nqn", NQN)
        port = said["addresses"][0]["trsvcid"]
        place = {"trtype": "tcp", "adrfam": "ipv4", "traddr": host}
        self.assertEqual(
            said,
            {
                "uri": f"tcp://{host}:{port}/{NQN}",
                "nqn": NQN,
                "pid": program.process.pid,
                "addresses": [{**place, "trsvcid": port, "listener": f"{host}:{port}"}],
                "discovery": [{**place, "trsvcid": "8009", "listener": f"{host}:8009"}],
                "namespaces": [{"nsid": 1, "export": "16M", "device": "target/core/rd_mcp_1/disk1"}],
                "commands": [
                    f"nvme discover -t tcp -a {host} -s 8009",
                    f"nvme connect -t tcp -a {host} -s {port} -n {NQN}",
                ],
                "notes": [],
            },
        )
        self.assertEqual(program.end(), (0, ""), "one object and nothing else")

    def test_discovery_and_namespaces(self):
        host = loopback()
        program, said = self.serve("16M", "null:1T", "32M", "--listen", f"{host}:0")
        port = str(address_of(said)[1])
        for asked in ("8009", port):
            entries = nvme.discover((host, int(asked)))
            self.assertEqual(
                sorted(entries),
                [(NVM, said["nqn"], host, port), (CURRENT_DISCOVERY, nvme.DISCOVERY, host, asked)],
            )
        with nvme.Controller(address_of(said), said["nqn"]) as controller:
            self.assertEqual(controller.namespaces(), [1, 2, 3])
            with controller.io_queue() as queue:
                queue.write(8, b"weft" * 128, nsid=3)
                self.assertEqual(queue.read(8, 512, nsid=3), b"weft" * 128)
                self.assertEqual(queue.read(8, 512), bytes(512))
        self.assertEqual(program.end()[0], 0)

    def test_port_8009_is_taken(self):
        host = loopback()
        with socket.create_server((host, 8009)):
            program, said = self.serve("16M", "--listen", f"{host}:0")
        port = address_of(said)[1]
        self.assertEqual(said["discovery"], [])
        self.assertIn(f"{host}:8009 is not free for the discovery service", said["notes"][0])
        self.assertIn(f"it answers on {host}:{port}", said["notes"][0])
        self.assertEqual(said["commands"][0], f"nvme discover -t tcp -a {host} -s {port}")
        self.assertIn(said["nqn"], [nqn for _, nqn, _, _ in nvme.discover((host, port))])
        self.assertEqual(program.end()[0], 0)

    def test_advertised_address(self):
        host = loopback()
        program, said = self.serve("16M", "--listen", f"{host}:0", "--advertise", "192.0.2.7:14420", "--nqn", NQN)
        self.assertEqual(said["uri"], f"tcp://192.0.2.7:14420/{NQN}")
        self.assertEqual(said["commands"][0], "nvme discover -t tcp -a 192.0.2.7 -s 14420")
        port = int(said["addresses"][0]["listener"].rpartition(":")[2])
        self.assertIn((NVM, NQN, "192.0.2.7", "14420"), nvme.discover((host, port)))
        self.assertEqual(program.end()[0], 0)

    def test_two_addresses(self):
        host = loopback()
        listen = ["--listen", f"{host}:0"]
        has_ipv6 = socket.has_ipv6
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            has_ipv6 = False
            print(f"without IPv6: {error}")
        listen += ["--listen", "[::1]:0" if has_ipv6 else f"{loopback()}:0"]
        program, said = self.serve("16M", *listen)
        for place in (0, 1):
            with nvme.Controller(address_of(said, place), said["nqn"]) as controller:
                self.assertEqual(controller.namespaces(), [1])
        self.assertEqual(program.end()[0], 0)

    def test_hosts(self):
        host = "nqn.2026-01.io.example:host"
        program, said = self.serve("16M", "--listen", f"{loopback()}:0", "--hosts", host, "--hosts", f"{host}2,{host}3")
        for name in (host, f"{host}2", f"{host}3"):
            nvme.Controller(address_of(said), said["nqn"], name).close()
        with self.assertRaises(nvme.Refused) as refused:
            nvme.Controller(address_of(said), said["nqn"], f"{host}4")
        self.assertEqual((refused.exception.sct, refused.exception.sc), (1, 0x84), "Connect Invalid Host")
        self.assertEqual(program.end()[0], 0)


if __name__ == "__main__":
    unittest.main()
