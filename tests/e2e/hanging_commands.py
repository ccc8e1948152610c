#!/usr/bin/env python3
"""weft's commands for a weftd whose backends hang: they hold up nobody, and are told."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

from programs import BIN, PATIENCE, WEFT, Program, wait_for
from running import Commands, NQN

HANG_FS = BIN.parent / "tests/hang_fs/weft_hang_fs"
HANGING = 50
QUICK_SECONDS = 10  # what must not wait for what hangs; far more than it takes, for busy machines


class OnHangingFiles(Commands):
    def setUp(self):
        super().setUp()
        if not os.path.exists("/dev/fuse"):
            self.skipTest("there is no /dev/fuse")
        self.files = self.folder / "hanging"
        self.files.mkdir()
        self.hang_fs = Program(self, HANG_FS, self.hangs, self.files)
        self.assertEqual(self.hang_fs.line(), "ready")
        self.addCleanup(subprocess.run, ["umount", "-l", self.files], stderr=subprocess.DEVNULL, check=False)


class Overdue(OnHangingFiles):
    hangs = "io"

    def test_who_waits_is_shown_and_told(self):
        program = self.start("--overdue", "1")
        self.weft("tenant", "create", NQN, "--backend", f"file:{self.files}/0,buffered=1", "--port", f"tcp:127.0.0.1:{self.port}", "--any-host")
        self.hang_fs.send(signal.SIGUSR1)
        reader = subprocess.Popen(
            [WEFT, "read", f"tcp://127.0.0.1:{self.port}/{NQN}", "/dev/null"],
            env=self.environment(),
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(reader.wait)
        self.addCleanup(reader.kill)
        wait_for(lambda: self.status()["overdue"], "the commands that wait")
        one = self.status()["overdue"][0]
        self.assertEqual((one["subsystem"], one["waits"], one["oldest"]), (NQN, "for the backend", "Read of namespace 1"))
        self.assertIn("fileio_1/0", one["backend"])
        self.assertGreater(one["seconds"], 1)
        shown = self.weft("status")
        self.assertIn("What takes too long:", shown)
        self.assertIn(one["host"], shown)
        program.wait_for_error(f"{NQN}: host {one['host']}: ")
        program.send(signal.SIGTERM)
        self.assertGreaterEqual(program.process.wait(PATIENCE), 0, program.errors())


class Hanging(OnHangingFiles):
    hangs = "open"

    def setUp(self):
        super().setUp()
        self.hang_fs.send(signal.SIGUSR1)

    def test_fifty_that_hang_hold_up_nobody(self):
        program = self.start()
        self.weft("mkdir", "target/core/fileio_1")
        results = {}

        def hang(i):
            device = f"target/core/fileio_1/hanging{i}"
            self.weft("mkdir", device)
            self.weft("set", f"{device}/control", f"fd_dev_name={self.files}/{i}")
            results[i] = self.ask("PUT", f"/v1/tree/{device}/enable", {"value": "1"})

        callers = [threading.Thread(target=hang, args=(i,)) for i in range(HANGING)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        self.assertEqual([results[i][0] for i in range(HANGING)], [202] * HANGING)

        waiting = subprocess.Popen(
            [WEFT, "tenant", "create", f"{NQN}-hanging", "--backend", f"{self.files}/{HANGING}", "--any-host"],
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
        )
        self.addCleanup(waiting.kill)
        opening = HANGING + 1
        wait_for(lambda: self.status()["devices"]["opening"] == opening, "all that hang")
        before = time.monotonic()
        self.create()
        self.weft("tenant", "delete", NQN)
        self.assertLess(time.monotonic() - before, QUICK_SECONDS)
        text = self.weft("status")
        self.assertIn("opens", text)
        # A request that has had no answer for a while.
        wait_for(lambda: "POST /v1/batch" in self.weft("status"), "the batch that waits")

        # A device that hangs can go: its name is free, and what goes on is seen.
        self.weft("rmdir", "target/core/fileio_1/hanging0")
        self.weft("mkdir", "target/core/fileio_1/hanging0")
        going_on = {(each["path"], each["what"]) for each in self.status()["goings_on"]}
        self.assertIn(("target/core/fileio_1/hanging0", "closes"), going_on)

        # Who does not want to wait any more is told that it goes on.
        waiting.send_signal(signal.SIGINT)
        _, said = waiting.communicate(timeout=60)
        self.assertEqual(waiting.returncode, 130, said)
        self.assertRegex(said, "weft tenant create: interrupted; operation .* goes on: weft status shows it")

        # When it ends it is taken back, and each caller finds its answer.
        self.hang_fs.send(signal.SIGKILL)
        self.hang_fs.process.wait()
        wait_for(lambda: self.status()["devices"]["opening"] == 0, "the end of the opens")
        for i in range(1, HANGING):
            _, operation = self.ask("GET", results[i][1]["href"])
            self.assertTrue(operation["done"])
            self.assertGreaterEqual(operation["status"], 400)
        wait_for(lambda: all(each["done"] for each in self.status()["operations"]), "the end of the batch")
        self.assertEqual(self.status()["tenants"], 0)
        self.assertNotIn("disks", self.weft("ls", "target/core/fileio_1"))
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_ends_while_callers_wait(self):
        program = self.start()
        self.weft("mkdir", "-p", "target/core/fileio_1/hanging")
        self.weft("set", "target/core/fileio_1/hanging/control", f"fd_dev_name={self.files}/1")
        self.assertEqual(self.ask("PUT", "/v1/tree/target/core/fileio_1/hanging/enable", {"value": "1"})[0], 202)
        silent = socket.socket(socket.AF_UNIX)
        silent.connect(str(self.socket))
        self.addCleanup(silent.close)
        before = time.monotonic()
        program.send(signal.SIGTERM)
        program.process.wait(60)
        self.assertLess(time.monotonic() - before, 30)
        try:
            self.assertEqual(silent.recv(1), b"")
        except ConnectionResetError:
            pass  # the daemon had not taken it yet
        self.assertFalse(self.socket.exists())


if __name__ == "__main__":
    unittest.main()
