#!/usr/bin/env python3
"""weftd's store: what it keeps beside a configuration file, and when it refuses to start."""

import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

from programs import WEFTD, Case, Program, document, free_port, wait_for

SKIPPED = 77
NQN = "nqn.2026-01.io.example:file"
MINE = "nvmet/subsystems/nqn.2026-01.io.example:mine"


class Store(Case):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "tree"
        self.addCleanup(subprocess.run, ["umount", "-l", self.root], stderr=subprocess.DEVNULL, check=False)
        self.port = free_port()

    def words(self, *words):
        return [WEFTD, "--state-dir", self.state, "--tree", self.root, *words]

    def start(self, *words):
        program = Program(self, *self.words(*words))
        while program.line() != f"the configuration is at {self.root}":
            pass
        return program

    def subsystems(self):
        return sorted(os.listdir(self.root / "nvmet/subsystems"))

    def refused(self):
        done = self.run_words(*self.words())
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    def test_a_file_beside_it_owns_what_it_names(self):
        path = self.folder / "weft.json"
        path.write_text(json.dumps(document(NQN, self.port)))
        words = ("--config", path, "--store", self.folder / "kept.db")
        program = self.start(*words)
        os.mkdir(self.root / MINE)
        hosts = self.root / "nvmet/subsystems" / NQN / "hosts"
        (self.root / "nvmet/subsystems" / NQN / "attr_allow_any_host").write_text("0\n")
        os.mkdir(hosts / "mine")
        changed = document(NQN, self.port)
        changed["nvmet"]["subsystems"][NQN].pop("attr_allow_any_host")
        changed["nvmet"]["subsystems"][NQN]["attr_model"] = "M"
        path.write_text(json.dumps(changed))
        program.send(signal.SIGHUP)
        model = self.root / "nvmet/subsystems" / NQN / "attr_model"
        wait_for(lambda: model.read_text() == "M\n", "the file to be loaded again")
        self.assertEqual(os.listdir(hosts), ["mine"])
        program.send(signal.SIGKILL)
        program.process.wait()
        # The file changes while nobody looks.
        path.write_text('{"version": 1}')
        program = self.start(*words)
        self.assertEqual(self.subsystems(), ["nqn.2026-01.io.example:mine"])
        self.assertEqual(os.listdir(self.root / "target/core"), [])
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_none_forgets_and_so_does_a_file_alone(self):
        path = self.folder / "weft.json"
        path.write_text('{"version": 1}')
        for words in (("--store", "none"), ("--config", path)):
            for _ in range(2):
                program = self.start(*words)
                self.assertEqual(self.subsystems(), [])
                os.mkdir(self.root / MINE)
                self.assertEqual(program.end()[0], 0, program.errors())
        self.assertFalse((self.state / "config.db").exists())

    def test_a_damaged_one_is_left_as_it_is(self):
        program = self.start()
        os.mkdir(self.root / MINE)
        self.assertEqual(program.end()[0], 0, program.errors())
        store = self.state / "config.db"
        good = store.read_bytes()
        for bad in (b"", b"nonsense", good[:6000], good[:4096] + b"\xa5" * (len(good) - 4096)):
            store.write_bytes(bad)
            said = self.refused()
            self.assertIn(f"store {store}: ", said)
            self.assertIn("it was left as it is: put back a good copy of it, or move it", said)
            self.assertEqual(store.read_bytes(), bad)
            self.assertEqual(sorted(os.listdir(self.state)), ["config.db", "config.db.lock"])
        store.write_bytes(good)
        program = self.start()
        self.assertEqual(self.subsystems(), ["nqn.2026-01.io.example:mine"])
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_one_has_it_at_a_time(self):
        program = self.start()
        self.assertIn(f"process {program.process.pid} has it open", self.refused())
        os.mkdir(self.root / MINE)
        self.assertEqual(program.end()[0], 0, program.errors())

    @unittest.skipIf(os.environ.get("WEFT_SANITIZE"), "the sanitizers cannot be traced")
    def test_a_change_is_on_the_disk_when_it_returns(self):
        trace = self.folder / "trace"
        program = Program(self, "strace", "-f", "-y", "-e", "trace=fdatasync,fsync", "-o", trace, *self.words())
        while program.line() != f"the configuration is at {self.root}":
            pass

        traced = self.run_words("pgrep", "-P", program.process.pid).stdout.strip()
        self.addCleanup(subprocess.run, ["kill", "-9", traced], stderr=subprocess.DEVNULL, check=False)

        def synced():
            return sum("config.db-wal>" in line and line.endswith("= 0") for line in trace.read_text().splitlines())

        os.mkdir(self.root / MINE)
        for number in range(10):
            before = synced()
            os.mkdir(self.root / MINE / f"hosts/host{number}")
            self.assertGreater(synced(), before)
        os.kill(int(traced), signal.SIGTERM)
        self.assertEqual(program.process.wait(60), 0, program.errors())

    def test_what_cannot_be_kept_is_said(self):
        small = self.folder / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", small], check=False).returncode != 0:
            self.skipTest("no file system of its own can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=False)
        program = self.start("--store", small / "config.db")
        os.mkdir(self.root / MINE)
        filler = small / "filler"
        with self.assertRaises(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        with self.assertRaises(OSError) as refused:
            for number in range(1000):  # the log has room for some
                os.mkdir(self.root / MINE / f"hosts/host{number}")
        self.assertIn("No space left", str(refused.exception))
        self.assertIn("it is in force but not kept", (self.root / MINE / "last_error").read_text())
        filler.unlink()
        os.mkdir(self.root / MINE / "hosts/last")
        hosts = sorted(os.listdir(self.root / MINE / "hosts"))
        program.send(signal.SIGKILL)
        program.process.wait()
        program = self.start("--store", small / "config.db")
        self.assertEqual(sorted(os.listdir(self.root / MINE / "hosts")), hosts)
        self.assertEqual(program.end()[0], 0, program.errors())


if __name__ == "__main__":
    if not os.path.exists("/dev/fuse"):
        print("skipped: there is no /dev/fuse")
        sys.exit(SKIPPED)
    unittest.main()
