#!/usr/bin/python3
"""Two daemons serve one file under one NQN, told apart by asymmetric access.  The one in use is killed under verified
load: the host goes on by the other, and nothing that was acknowledged is lost."""

import json
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nbd

from programs import WEFT, WEFTD, Case, Program, document, free_port, loopback, wait_for

MIB = 1 << 20
NQN = "nqn.2026-01.io.example:pair"
SERIAL = "6f0f9f5e-52c7-4d3a-9a7e-0c8d5e1b2a3c"


class Site:
    """One daemon of the pair, which can be killed and started again."""

    def __init__(self, case, number, ana_state):
        self.case, self.number = case, number
        self.host, self.port = loopback(), free_port()
        control = {"fd_dev_name": str(case.disk), "fd_buffered_io": "1", "shared": "1"}
        self.document = document(NQN, self.port, self.host, control, "fileio")
        self.document["target"]["core"]["fileio_1"]["disk"]["wwn"] = {"vpd_unit_serial": SERIAL}
        subsystem = self.document["nvmet"]["subsystems"][NQN]
        subsystem["attr_cntlid_min"], subsystem["attr_cntlid_max"] = 1000 * number, 1000 * number + 999
        subsystem["ports"][f"tcp:{self.host}:{self.port}"] = {"ana_groups": {"1": {"ana_state": ana_state}}}
        self.start()

    def start(self):
        folder = self.case.folder / f"site{self.number}"
        folder.mkdir(exist_ok=True)
        path = folder / "weft.json"
        path.write_text(json.dumps(self.document))
        self.program = Program(
            self.case,
            WEFTD,
            "--config",
            path,
            "--state-dir",
            folder / "state",
            environment={"RUNTIME_DIRECTORY": str(folder / "run")},
        )
        wait_for((folder / "run/weftd.sock").exists, "the socket")

    def die(self):
        self.program.send(signal.SIGKILL)
        self.program.process.wait()


class FailOver(Case):
    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        with open(self.disk, "wb") as file:
            file.truncate(32 * MIB)
        self.first, self.second = Site(self, 1, "optimized"), Site(self, 2, "non-optimized")
        hosts = ",".join(f"{site.host}:{site.port}" for site in (self.first, self.second))
        self.target = f"tcp://{hosts}/{NQN}"

    def weft(self, *words):
        done = self.run_words(WEFT, *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_verified_load_goes_on(self):
        words = ["bench", self.target, "--rw", "randrw", "--verify", "--queues", 2, "--qd", 16, "--time", 6, "--json"]
        load = subprocess.Popen(
            [WEFT, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment()
        )
        self.addCleanup(load.kill)
        time.sleep(3)
        self.first.die()
        out, errors = load.communicate(timeout=120)
        self.assertEqual((load.returncode, errors), (0, ""))
        said = json.loads(out)
        self.assertGreaterEqual(said["losses"], 1, "it was killed under load")
        self.assertGreater(said["verified_blocks"], 1000)
        print(f"the longest pause: {said['longest_pause_ms']:.1f} ms at {said['read']['iops']:.0f} reads a second")

    def test_a_way_that_is_not_accessible(self):
        for site in (self.first, self.second):
            site.die()
        self.first = Site(self, 3, "inaccessible")
        refused = self.run_words(WEFT, "read", f"tcp://{self.first.host}:{self.first.port}/{NQN}", "-")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"no way to it is accessible now: {self.first.host}:{self.first.port} is inaccessible", refused.stderr)

    def test_people_read(self):
        said = self.run_words(WEFT, "bench", self.target, "--time", "0.3").stdout
        self.assertNotIn("was lost", said)
        self.first.die()
        image = self.folder / "image"
        image.write_bytes(random.randbytes(4 * MIB))
        self.weft("write", self.target, image)
        self.weft("compare", self.target, image)
        self.second.die()
        refused = self.run_words(WEFT, "read", self.target, self.folder / "back")
        self.assertEqual(refused.returncode, 1)
        self.assertEqual(refused.stderr.count("cannot connect"), 2, refused.stderr)

    def test_an_attached_device_goes_on_there_and_back(self):
        self.weftd({"version": 1})
        wait_for(self.socket.exists, "the socket")
        handle = nbd.NBD()
        handle.connect_uri(json.loads(self.weft("attach", self.target, "--json"))["address"])
        self.assertEqual(self.paths(), ["optimized", "non-optimized"])
        written = {}
        for round, event in enumerate(
            (None, self.first.die, self.first.start, self.second.die, self.second.start, self.first.die)
        ):
            if event:
                event()
            if event == self.first.start:
                wait_for(lambda: self.paths()[0] == "optimized", "the first path")
            if event == self.second.start:
                wait_for(lambda: self.paths()[1] == "non-optimized", "the second path")
            for _ in range(100):
                place = random.randrange(32 * MIB // 4096) * 4096
                written[place] = random.randbytes(4096)
                handle.pwrite(written[place], place)
            handle.flush()
            for place, data in written.items():
                self.assertEqual(handle.pread(4096, place), data, f"round {round}, byte {place}")
        self.assertEqual(self.paths(), ["lost", "non-optimized"])
        self.assertRegex(self.weft("attached"), r"(?m)^1 .* lost, non-optimized ")

    def paths(self):
        paths = json.loads(self.weft("attached", "--json"))["attachments"][0]["paths"]
        return [path.get("ana_state") if path["state"] == "live" else path["state"] for path in paths]


if __name__ == "__main__":
    unittest.main()
