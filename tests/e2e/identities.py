#!/usr/bin/env python3
"""What a host recognises a disk by stays the same after a restart, and differs where the data differ."""

import json
import signal
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nvme
from programs import WEFT, Case, Program, address_of, document, free_port, loopback

NQN = "nqn.2026-01.io.example:"


class Identities(Case):
    def setUp(self):
        super().setUp()
        self.host = loopback()

    def identity(self, said, nsid=1):
        with nvme.Controller(address_of(said), said["nqn"]) as controller:
            return (controller.serial(), *controller.identifiers(nsid))

    def of_exports(self, *exports, nqn="disk", state=None, end=signal.SIGTERM):
        """The identity of the last export, as a run of weft serve shows it."""
        words = [*exports, "--listen", f"{self.host}:0", "--nqn", NQN + nqn, "--log-level", "off"]
        program = Program(self, WEFT, "serve", "--json", "--state-dir", state or self.state, *words)
        identity = self.identity(json.loads(program.line()), len(exports))
        program.end(end)
        return identity

    def file(self, name, mib=1):
        path = self.folder / name
        path.write_bytes(bytes(mib << 20))
        return f"file:{path},buffered"

    def test_same_after_a_restart(self):
        export = self.file("disk.img")
        first = self.of_exports(export)
        self.assertEqual(self.of_exports(export), first)
        self.assertEqual(self.of_exports(export, end=signal.SIGKILL), first)
        self.assertEqual(self.of_exports(export), first, "after a kill")
        other = self.of_exports(export, nqn="other")
        self.assertFalse(set(other) & set(first), "another subsystem shows it as another disk")
        self.assertEqual(self.of_exports("null:1M"), self.of_exports("null:1M"))

    def test_belong_to_the_file(self):
        one, two = self.file("one.img"), self.file("two.img")
        self.assertNotEqual(self.of_exports(one)[1:], self.of_exports(two)[1:], "the same place, another file")
        self.assertNotEqual(self.of_exports(one, state=self.folder / "elsewhere")[1:], self.of_exports(one)[1:])

    def test_memory_is_another_disk_each_time(self):
        self.assertNotEqual(self.of_exports("1M")[1:], self.of_exports("1M")[1:])

    def test_default_name(self):
        port = free_port()
        names = set()
        for exports in (["null:1M"], ["null:1M"], ["null:2M"]):
            program, said = self.serve(*exports, "--listen", f"{self.host}:{port}")
            names.add(said["nqn"])
            program.end()
        self.assertEqual(len(names), 2, names)

    def test_processes_share_a_state_folder(self):
        ports, programs, identities = [free_port() for _ in range(4)], [], {}
        wanted = {p: document(f"{NQN}{p}", p, self.host, {"size": "1M"}, "null", f"disk{p}") for p in ports}
        for generation in range(2):
            for port in ports:
                programs.append(self.weftd_on(port, wanted[port]))
            for program in programs:
                program.line()
            for port in ports:
                with nvme.Controller((self.host, port), f"{NQN}{port}") as controller:
                    identity = (controller.serial(), *controller.identifiers(1))
                    self.assertEqual(identities.setdefault(port, identity), identity, f"restart {generation}")
            for program in programs:
                self.assertEqual(program.end()[0], 0)
            programs.clear()
        kept = json.loads((self.state / "state.json").read_text())
        self.assertEqual(set(kept["serials"]), {f"null_1/disk{port}" for port in ports})
        self.assertEqual(sorted(kept["ports"].values()), [1, 2, 3, 4], "each port has an id of its own")

    def weftd_on(self, port, wanted):
        (self.folder / str(port)).mkdir(exist_ok=True)
        folder, self.folder = self.folder, self.folder / str(port)
        try:
            return self.weftd(wanted)[0]
        finally:
            self.folder = folder

    def test_a_state_folder_that_cannot_be_had(self):
        (self.folder / "file").write_text("")
        words = ["null:1M", "--listen", f"{self.host}:0", "--state-dir", self.folder / "file/state"]
        program = Program(self, WEFT, "serve", "--json", "--log-level", "info", *words)
        self.identity(json.loads(program.line()))
        program.wait_for_error("file/state/state.json: Not a directory; identities are new in this process")
        self.assertEqual(program.end()[0], 0)

    def test_a_damaged_state_file(self):
        self.state.mkdir()
        (self.state / "state.json").write_text("{]")
        program, said = self.serve("null:1M", "--listen", f"{self.host}:0")
        self.identity(said)
        program.wait_for_error("it is no state file of Weft: move it away")
        self.assertEqual(program.end()[0], 0)
        self.assertEqual((self.state / "state.json").read_text(), "{]", "it is left as it was")


if __name__ == "__main__":
    unittest.main()
