#!/usr/bin/env python3
"""weft serve with files: made when a size is given, kept over restarts, one process at a time, read-only."""

import os
import signal
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nvme
from programs import WEFT, Case, address_of, loopback

NOT_WRITABLE = (0, 0x20)  # Namespace is Write Protected


class ServeFile(Case):
    def start(self, export):
        return self.serve(export, "--listen", f"{loopback()}:0")

    def queue(self, said):
        self.controller = nvme.Controller(address_of(said), said["nqn"])
        self.io_queue = self.controller.io_queue()
        return self.io_queue

    def end(self, program, number=signal.SIGTERM):
        """With the connections closed: the target waits a second for hosts that do not close theirs."""
        self.io_queue.close()
        self.controller.close()
        return program.end(number)[0]

    def test_is_made_and_kept(self):
        path = self.folder / "disk.img"
        program, said = self.start(f"file:{path},size=64M,buffered")
        self.assertEqual((path.stat().st_size, path.stat().st_blocks), (64 << 20, 0), "sparse")
        queue = self.queue(said)
        queue.write(17, b"kept" * 1024)
        queue.flush()
        self.assertEqual(self.end(program, signal.SIGKILL), -signal.SIGKILL)
        self.assertEqual(path.read_bytes()[17 * 512 :][:4096], b"kept" * 1024)
        program, said = self.start(f"{path},buffered")
        queue = self.queue(said)
        self.assertEqual(queue.read(17, 4096), b"kept" * 1024)
        queue.write(0, b"last" * 128)
        self.assertEqual(self.end(program), 0)
        self.assertEqual(path.read_bytes()[:512], b"last" * 128)

    def test_belongs_to_one_process(self):
        path = self.folder / "disk.img"
        program, _ = self.start(f"file:{path},size=1M,buffered")
        words = [f"{path},buffered", "--listen", f"{loopback()}:0", "--state-dir", self.state, "--log-level", "off"]
        done = self.run_words(WEFT, "serve", *words)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn(f'weft serve: export "{path},buffered": ', done.stderr)
        self.assertEqual(program.end()[0], 0)
        program, _ = self.start(f"{path},buffered")
        self.assertEqual(program.end()[0], 0)

    def test_readonly(self):
        path = self.folder / "disk.img"
        path.write_bytes(b"data" * 1024)
        path.chmod(0o444)
        program, said = self.start(f"{path},readonly,buffered")
        queue = self.queue(said)
        self.assertEqual(queue.read(0, 4096), b"data" * 1024)
        with self.assertRaises(nvme.Refused) as refused:
            queue.write(0, bytes(512))
        self.assertEqual((refused.exception.sct, refused.exception.sc), NOT_WRITABLE)
        self.assertEqual(self.end(program), 0)
        self.assertEqual(path.read_bytes(), b"data" * 1024)

    def test_block_size(self):
        path = self.folder / "disk.img"
        program, said = self.start(f"file:{path},size=1M,buffered,block_size=4096")
        queue = self.queue(said)
        queue.write(1, b"page" * 1024, block=4096)
        self.assertEqual(queue.read(1, 4096, block=4096), b"page" * 1024)
        self.assertEqual(self.end(program), 0)
        self.assertEqual(path.read_bytes()[4096:8192], b"page" * 1024)

    def test_strange_names(self):
        os.chdir(self.folder)
        self.addCleanup(os.chdir, "/")
        for name, written in (("a,b", "file:a,,b"), ("c d", "./c d"), ("e:f", "./e:f"), ("ü", "./ü"), ("1G", "./1G")):
            (self.folder / name).write_bytes(bytes(1 << 20))
            program, said = self.start(f"{written},buffered")
            self.assertEqual(said["namespaces"][0]["export"], f"{written},buffered")
            self.queue(said).write(0, b"name" * 128)
            self.assertEqual(self.end(program), 0)
            self.assertEqual((self.folder / name).read_bytes()[:4], b"name")


if __name__ == "__main__":
    unittest.main()
