#!/usr/bin/python3
"""weft attach --as file: what programs do with a file, and a file system on losetup of it."""

import contextlib
import ctypes
import json
import os
import pathlib
import random
import subprocess
import sys
import threading

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

from programs import WEFT, Case, document, free_port, loopback, wait_for

MIB = 1 << 20
NQN = "nqn.2026-01.io.example:filed"
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16
libc = ctypes.CDLL(None, use_errno=True)


def fallocate(file, mode, offset, length):
    if libc.fallocate(file, mode, ctypes.c_long(offset), ctypes.c_long(length)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class AttachFile(Case):
    def start(self, control=None, plugin="rd_mcp", **namespace):
        host, port = loopback(), free_port()
        made = document(NQN, port, host, control or {"size": "64M"}, plugin)
        made["nvmet"]["subsystems"][NQN]["ports"]["loop"] = {}
        made["nvmet"]["subsystems"][NQN]["namespaces"]["1"].update(namespace)
        program, _ = self.weftd(made)
        wait_for(lambda: self.run_words(WEFT, "status").returncode == 0, "an answer")
        wait_for(lambda: len(self.json("status")["listeners"]) >= 2, "the listeners")
        self.addCleanup(self.detach_mounts)
        return program

    def detach_mounts(self):
        for each in (self.folder / "run/attached").glob("*"):
            subprocess.run(["umount", "--lazy", each], stderr=subprocess.DEVNULL, check=False)

    def weft(self, *words):
        done = self.run_words(WEFT, *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def json(self, *words):
        return json.loads(self.weft(*words, "--json"))

    def attach(self):
        return pathlib.Path(self.json("attach", NQN, "--as", "file")["path"])

    def open(self, path, flags=os.O_RDWR):
        file = os.open(path, flags)
        self.addCleanup(self.close, file)
        return file

    def close(self, file):
        with contextlib.suppress(OSError):  # what is behind it may have gone
            os.close(file)

    def tool(self, *words):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def test_any_place_and_length(self):
        self.start({"size": "8M", "block_size": "4096"})
        path = self.attach()
        self.assertEqual((path.stat().st_size, os.listdir(path.parent)), (8 * MIB, ["disk"]))
        file = self.open(path)
        model = bytearray(8 * MIB)
        for _ in range(300):
            place = random.randrange(len(model))
            data = random.randbytes(random.choice((1, 511, 512, 4096, 5000, 70000)))[: len(model) - place]
            self.assertEqual(os.pwrite(file, data, place), len(data))
            model[place : place + len(data)] = data
        os.fsync(file)
        self.assertEqual(path.read_bytes(), model)
        self.assertEqual(os.pread(file, 4096, len(model) - 10), bytes(model[-10:]))
        self.assertEqual(os.pread(file, 1, len(model)), b"")
        self.assertRaises(OSError, os.pwrite, file, b"x", len(model))
        for mode in (PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE):
            for place, count in ((8192, 65536), (100_000, 300), (200_001, 60_000), (409_600, 4097), (5_000_000, 2_000_000)):
                fallocate(file, mode, place, count)
                model[place : place + count] = bytes(count)
        self.assertEqual(path.read_bytes(), model)
        self.assertRaises(OSError, os.ftruncate, file, 4096)
        path.write_bytes(b"only this")
        model[:9] = b"only this"
        self.assertEqual(path.read_bytes(), model, "opening with O_TRUNC leaves a device as it is")

    def test_parts_of_one_block_at_once(self):
        self.start({"size": "8M", "block_size": "4096"})
        path = self.attach()
        pieces = [random.randbytes(512) for _ in range(64)]

        def write(first):
            file = os.open(path, os.O_WRONLY)
            for round in range(20):
                for number in range(first, len(pieces), 8):
                    os.pwrite(file, pieces[number], number * 512)
            os.close(file)

        threads = [threading.Thread(target=write, args=(first,)) for first in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual(path.read_bytes()[: 64 * 512], b"".join(pieces))

    def test_ends(self):
        program = self.start()
        path = self.attach()
        file = self.open(path)
        self.assertEqual(self.json("attached")["attachments"][0]["clients"], 1)
        self.weft("detach", "1")
        self.assertFalse(path.parent.exists())
        self.assertRaises(OSError, os.pread, file, 512, 0)
        path = self.attach()
        program.kill()
        again = self.start()
        self.assertRegex(self.weft("attach", NQN), "^1: nbd", "in the place of a mount that a killed daemon has left")
        self.weft("detach", "1")
        self.attach()
        self.assertEqual(again.end()[0], 0)

    def test_one_that_is_read_only(self):
        self.start({"size": "8M"}, readonly=1)
        path = self.attach()
        self.assertRaises(OSError, os.open, path, os.O_RDWR)
        self.assertEqual(len(path.read_bytes()), 8 * MIB)

    def test_a_size_that_changes(self):
        disk = self.folder / "disk"
        with open(disk, "wb") as file:
            file.truncate(8 * MIB)
        self.start({"fd_dev_name": str(disk), "fd_buffered_io": "1"}, "fileio")
        path = self.attach()
        with open(disk, "r+b") as file:
            file.truncate(16 * MIB)
        self.weft("set", f"nvmet/subsystems/{NQN}/namespaces/1/revalidate_size", "1")
        wait_for(lambda: path.stat().st_size == 16 * MIB, "the new size")

    def test_a_file_system_on_losetup(self):
        if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
            self.skipTest("losetup needs root and /dev/loop-control")
        self.start({"size": "128M", "block_size": "4096"})
        path = self.attach()
        device = self.tool("losetup", "--find", "--show", path)
        self.addCleanup(subprocess.run, ["losetup", "--detach", device], stderr=subprocess.DEVNULL, check=False)
        self.tool("mkfs.ext4", "-q", device)
        folder = self.folder / "mounted"
        folder.mkdir()
        self.tool("mount", "-o", "discard", device, folder)
        self.addCleanup(subprocess.run, ["umount", folder], stderr=subprocess.DEVNULL, check=False)
        files = {f"file{number}": random.randbytes(random.randrange(MIB)) for number in range(40)}
        for name, data in files.items():
            (folder / name).write_bytes(data)
        for name in list(files)[::3]:
            (folder / name).unlink()
            del files[name]
        self.tool("fstrim", folder)
        self.tool("umount", folder)
        self.tool("fsck.ext4", "-fn", device)
        self.tool("mount", device, folder)
        self.assertEqual({name: (folder / name).read_bytes() for name in files}, files)
        self.tool("umount", folder)
        self.tool("losetup", "--detach", device)
        self.weft("detach", "1")


if __name__ == "__main__":
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        print("skipped: /dev/fuse cannot be used")
        sys.exit(77)
    unittest.main()
