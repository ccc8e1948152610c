#!/usr/bin/env python3
"""weftd --tree while backends hang: who hangs holds up nobody beside him, can be interrupted, and weftd ends."""

import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

from programs import BIN, PATIENCE, WEFT, WEFTD, Case, Program, wait_for

HANG_FS = BIN.parent / "tests/hang_fs/weft_hang_fs"
SKIPPED = 77
QUICK_SECONDS = 2  # what must not wait does not; how long it takes is for the benchmark
ROUNDS = 20


class HangingTree(Case):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "tree"
        self.files = self.folder / "hanging"
        self.files.mkdir()
        for mount in (self.root, self.files):
            self.addCleanup(subprocess.run, ["umount", "-l", mount], stderr=subprocess.DEVNULL, check=False)

    def start(self, hangs):
        self.hang_fs = Program(self, HANG_FS, hangs, self.files)
        self.assertEqual(self.hang_fs.line(), "ready")
        program = Program(self, WEFTD, "--tree", self.root, "--state-dir", self.state)
        while program.line() != f"the configuration is at {self.root}":
            pass
        self.adapter = self.root / "target/core/fileio_1"
        self.adapter.mkdir()
        return program

    def make(self, name):
        device = self.adapter / name
        device.mkdir()
        (device / "control").write_text(f"fd_dev_name={self.files}/{len(os.listdir(self.adapter))},fd_buffered_io=1")
        return device

    def quick(self, work, *words):
        before = time.monotonic()
        result = work(*words)
        self.assertLess(time.monotonic() - before, QUICK_SECONDS, words)
        return result

    def others_go_on(self):
        for i in range(ROUNDS):
            other = self.adapter / f"other{i}"
            self.quick(os.mkdir, other)
            self.assertIn(other.name, self.quick(os.listdir, self.adapter))
            self.quick(os.rmdir, other)

    def expect_end(self, program):
        """Of itself: not by a signal, and whatever its status says of what hangs."""
        program.send(signal.SIGTERM)
        self.assertGreaterEqual(program.process.wait(PATIENCE), 0, program.errors())

    def test_a_device_that_does_not_close(self):
        program = self.start("close")
        device = self.make("hanging")
        (device / "enable").write_text("1")
        self.hang_fs.send(signal.SIGUSR1)
        remover = subprocess.Popen(["rmdir", device])
        self.addCleanup(remover.kill)
        self.others_go_on()
        wait_for(lambda: not device.exists(), "the name of the device that closes to be free")
        self.others_go_on()
        self.assertIn("closes", self.run_words(WEFT, "status").stdout, "it still hangs")
        self.expect_end(program)

    def test_who_waits_for_an_open_can_be_interrupted(self):
        program = self.start("open")
        device = self.make("hanging")
        self.hang_fs.send(signal.SIGUSR1)
        shell = subprocess.Popen(["bash", "-c", f"echo 1 > {device}/enable"], start_new_session=True)
        self.addCleanup(shell.kill)
        wait_for(lambda: "OPENING" in (device / "info").read_text(), "the open")
        self.others_go_on()
        self.assertIsNone(shell.poll(), "it waits for the open")
        os.killpg(shell.pid, signal.SIGINT)
        self.assertNotEqual(shell.wait(PATIENCE), 0)
        self.others_go_on()
        self.quick(os.rmdir, device)
        self.others_go_on()
        self.expect_end(program)


if __name__ == "__main__":
    if not os.path.exists("/dev/fuse"):
        print("skipped: there is no /dev/fuse")
        sys.exit(SKIPPED)
    unittest.main()
