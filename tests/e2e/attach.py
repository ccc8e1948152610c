#!/usr/bin/python3
"""weft attach: namespaces as NBD exports, over loop and TCP, used by the programs that people use."""

import json
import os
import random
import subprocess
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nbd

from programs import WEFT, WEFTD, Case, Program, document, free_port, loopback, wait_for

MIB = 1 << 20
NQN = "nqn.2026-01.io.example:attached"


class Attach(Case):
    def start(self, control=None, plugin="rd_mcp"):
        """weftd with one subsystem on TCP and loop."""
        self.host, self.port = loopback(), free_port()
        made = document(NQN, self.port, self.host, control or {"size": "64M"}, plugin)
        made["nvmet"]["subsystems"][NQN]["ports"]["loop"] = {}
        program, _ = self.weftd(made)
        wait_for(lambda: self.socket.exists(), "the socket")
        wait_for(lambda: len(self.json("status")["listeners"]) >= 2, "the listeners")
        return program

    def weft(self, *words, status=0):
        done = self.run_words(WEFT, *words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def json(self, *words):
        return json.loads(self.weft(*words, "--json"))

    def tool(self, *words, **more):
        done = subprocess.run([str(word) for word in words], capture_output=True, timeout=240, check=False, **more)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout.decode()

    def client(self, uri):
        handle = nbd.NBD()
        handle.set_strict_mode(0)
        handle.connect_uri(uri)
        return handle

    def test_an_export_of_ones_own_target(self):
        program = self.start()
        said = self.json("attach", NQN)
        self.assertEqual((said["bytes"], said["block_bytes"], said["nsid"]), (64 * MIB, 512, 1))
        told = json.loads(self.tool("nbdinfo", "--json", said["address"]))
        export = told["exports"][0]
        self.assertEqual((told["protocol"], told["structured"]), ("newstyle-fixed", True))
        self.assertEqual(export["export-size"], 64 * MIB)
        self.assertEqual(self.client(said["address"]).get_block_size(nbd.SIZE_MINIMUM), 512)
        for can in ("can_fua", "can_flush", "can_trim", "can_zero", "can_multi_conn"):
            self.assertTrue(export[can], can)
        self.assertFalse(export["is_read_only"])
        self.assertIn(NQN, self.weft("attached"))
        self.assertIn("is attached already, as 1", self.weft("attach", f"loop:///{NQN}", status=1))
        self.weft("detach", "1")
        self.assertEqual(self.json("attached")["attachments"], [])
        self.assertFalse(os.path.exists(said["path"]))
        self.assertEqual(program.end()[0], 0)

    def test_programs_that_people_use(self):
        self.start()
        uri = self.json("attach", NQN)["address"]
        image = self.folder / "image"
        image.write_bytes(random.randbytes(8 * MIB) + bytes(40 * MIB) + random.randbytes(16 * MIB))
        self.tool("nbdcopy", image, uri)
        self.tool("nbdcopy", "--connections=4", uri, self.folder / "back")
        self.assertEqual((self.folder / "back").read_bytes(), image.read_bytes())
        self.tool("qemu-img", "compare", "-f", "raw", "-F", "raw", image, uri)
        self.tool("qemu-img", "convert", "-f", "raw", "-O", "qcow2", uri, self.folder / "image.qcow2")
        self.tool("qemu-img", "compare", image, self.folder / "image.qcow2")
        job = ["--ioengine=nbd", f"--uri={uri}", "--rw=randrw", "--bsrange=512-64k", "--bs_unaligned=0", "--iodepth=16"]
        self.tool("fio", "--name=verify", *job, "--size=16m", "--verify=crc32c", "--verify_fatal=1", "--minimal", cwd=self.folder)

    def test_each_request(self):
        self.start()
        handle = self.client(self.json("attach", NQN)["address"])
        data = random.randbytes(3 * MIB)
        handle.pwrite(data, 512, nbd.CMD_FLAG_FUA)
        handle.flush()
        self.assertEqual(handle.pread(len(data), 512), data)
        handle.zero(4096, 1024)
        handle.zero(4096, 8192, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FUA)
        self.assertEqual(handle.pread(4096, 1024) + handle.pread(4096, 8192), bytes(8192))
        handle.trim(65536, 65536, nbd.CMD_FLAG_FUA)
        self.assertEqual(handle.pread(512, 512), bytes(512) if data[:512] == bytes(512) else data[:512])
        for what in (
            lambda: handle.pread(100, 0),
            lambda: handle.pread(512, 1),
            lambda: handle.pread(512, 64 * MIB),
            lambda: handle.pwrite(bytes(1024), 64 * MIB - 512),
            lambda: handle.pwrite(bytes(100), 0),
            lambda: handle.zero(1024, 64 * MIB),
        ):
            self.assertRaises(nbd.Error, what)
        self.assertEqual(handle.pread(len(data) - 131072, 131072 + 512), data[131072:], "it goes on after errors")

    def test_without_structured_replies(self):
        self.start()
        uri = self.json("attach", NQN)["address"]
        handle = nbd.NBD()
        handle.set_request_structured_replies(False)
        handle.set_strict_mode(0)
        handle.connect_uri(uri)
        handle.pwrite(b"s" * 8192, 0)
        self.assertEqual(handle.pread(8192, 0), b"s" * 8192)
        self.assertRaises(nbd.Error, lambda: handle.pread(512, 64 * MIB))
        self.assertEqual(handle.pread(512, 0), b"s" * 512)
        handle.shutdown()

    def test_several_clients_see_one_disk(self):
        self.start()
        uri = self.json("attach", NQN)["address"]
        one, other = self.client(uri), self.client(uri)
        for number in range(50):
            one.pwrite(bytes([number]) * 4096, number * 4096)
            one.flush()
            self.assertEqual(other.pread(4096, number * 4096), bytes([number]) * 4096)
        self.assertEqual(self.json("attached")["attachments"][0]["clients"], 2)

    def test_a_size_that_changes(self):
        disk = self.folder / "disk"
        with open(disk, "wb") as file:
            file.truncate(8 * MIB)
        self.start({"fd_dev_name": str(disk), "fd_buffered_io": "1"}, "fileio")
        uri = self.json("attach", NQN)["address"]
        handle = self.client(uri)
        self.assertEqual(handle.get_size(), 8 * MIB)
        with open(disk, "r+b") as file:
            file.truncate(16 * MIB)
        self.weft("set", f"nvmet/subsystems/{NQN}/namespaces/1/revalidate_size", "1")
        wait_for(lambda: self.json("attached")["attachments"][0]["bytes"] == 16 * MIB, "the new size")
        handle.pwrite(b"n" * 512, 12 * MIB)
        self.assertEqual(self.client(uri).get_size(), 16 * MIB)

    def test_a_target_elsewhere_that_comes_back(self):
        self.start()
        disk = self.folder / "elsewhere"
        program, said = self.serve(f"file:{disk},size=16M,buffered", "--listen", f"{loopback()}:0")
        where = said["addresses"][0]
        target = f"tcp://{where['traddr']}:{where['trsvcid']}/{said['nqn']}"
        handle = self.client(self.json("attach", target, "--data-digest", "--hdr-digest")["address"])
        handle.pwrite(b"before" * 4096, 0, nbd.CMD_FLAG_FUA)
        program.kill()
        memory = nbd.Buffer.from_bytearray(bytearray(b"during" * 4096))
        cookie = handle.aio_pwrite(memory, 65536)
        handle.poll(100)
        again, _ = self.serve(f"{disk},buffered", "--listen", target.removeprefix("tcp://").partition("/")[0], "--nqn", said["nqn"])
        while not handle.aio_command_completed(cookie):
            handle.poll(-1)
        self.assertEqual(handle.pread(24576, 0) + handle.pread(24576, 65536), b"before" * 4096 + b"during" * 4096)
        self.assertGreaterEqual(self.json("attached")["attachments"][0]["paths"][0]["losses"], 1)
        self.weft("detach", "1")
        self.assertEqual(again.end()[0], 0)

    def test_ends_with_the_daemon_under_load(self):
        program = self.start()
        uri = self.json("attach", NQN)["address"]
        load = subprocess.Popen(
            ["nbdcopy", "--synchronous", "/dev/zero", uri], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.addCleanup(load.kill)
        wait_for(lambda: self.json("attached")["attachments"][0]["clients"] > 0, "a client")
        self.assertEqual(program.end()[0], 0)

    def test_what_cannot_be_attached(self):
        self.start()
        self.assertIn("no such subsystem", self.weft("attach", "nqn.2026-01.io.example:other", status=1))
        self.assertIn("namespace 7", self.weft("attach", NQN, "--namespace", 7, status=1))
        self.assertIn("cannot connect", self.weft("attach", "tcp://127.0.0.1:1/nqn.x", status=1))
        self.assertIn('--as "floppy": must be nbd, file or ublk', self.weft("attach", NQN, "--as", "floppy", status=2))
        if os.path.exists("/dev/ublk-control"):
            print("refusal without ublk: skipped, this kernel has it")
        else:
            self.assertIn("no ublk", self.weft("attach", NQN, "--as", "ublk", status=1))
            self.assertEqual(self.json("attached")["attachments"], [])
        self.assertIn('"9": nothing is attached', self.weft("detach", "9", status=1))


if __name__ == "__main__":
    unittest.main()
