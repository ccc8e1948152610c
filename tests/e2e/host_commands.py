#!/usr/bin/env python3
"""weft as a host: what it says of targets, and that data goes both ways whole."""

import json
import os
import random
import subprocess
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

from programs import WEFT, Case, loopback

MIB = 1 << 20
DIGESTS = ((), ("--hdr-digest",), ("--data-digest",), ("--hdr-digest", "--data-digest"))


class HostCommands(Case):
    def target(self, *exports):
        """A subsystem: the program, and its name for commands."""
        program, said = self.serve(*exports, "--listen", f"{loopback()}:0")
        where = said["addresses"][0]
        self.discovery = f"tcp://{where['traddr']}:{where['trsvcid']}"
        return program, f"{self.discovery}/{said['nqn']}"

    def weft(self, *words, status=0, **more):
        done = subprocess.run(
            [WEFT, *map(str, words)], capture_output=True, timeout=120, env=self.environment(), check=False, **more
        )
        self.assertEqual(done.returncode, status, done.stderr)
        if status == 0:
            self.assertEqual(done.stderr, b"")
        return done.stdout if status == 0 else done.stderr.decode()

    def json(self, *words):
        return json.loads(self.weft(*words, "--json"))

    def file(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def test_what_a_target_says_of_itself(self):
        _, target = self.target("64M", "32M,block_size=4096")
        entries = self.json("discover", self.discovery)["entries"]
        self.assertEqual({entry["subtype"] for entry in entries}, {"nvm", "this discovery service"})
        nqn = next(entry["subnqn"] for entry in entries if entry["subtype"] == "nvm")
        self.assertTrue(target.endswith(nqn))
        self.assertIn(nqn.encode(), self.weft("discover", self.discovery))
        controller = self.json("identify", target)
        self.assertEqual((controller["subnqn"], controller["namespaces"]), (nqn, [1, 2]))
        namespace = self.json("identify", target, "--namespace", 2)
        self.assertEqual((namespace["size_bytes"], namespace["block_bytes"]), (32 * MIB, 4096))
        self.assertIn("namespace 9: ", self.weft("identify", target, "--namespace", 9, status=1))
        self.assertEqual(self.json("log", "smart", target)["critical_warning"], 0)
        self.assertEqual(len(self.weft("log", "smart", target, "--raw")), 512)
        self.assertIn("Identify", [row["name"] for row in self.json("log", "effects", target)])
        self.assertEqual(self.json("log", "ana", target)[0]["namespaces"], [1, 2])
        self.assertEqual(self.json("feature", "keep alive timer", target, "--keep-alive", 7)["value"], 7000)
        self.assertEqual(self.json("feature", "0x0b", target, "--set", "0x100")["value"], 0x100)
        self.assertIn("weft log: log page 42h: ", self.weft("log", "0x42", target, status=2))

    def test_data_goes_both_ways_whole(self):
        _, target = self.target("64M")
        data = random.randbytes(9 * MIB + 777)
        path = self.file("data", data)
        for digests in DIGESTS:
            with self.subTest(digests=digests):
                self.weft("zeroes", target, *digests)
                self.assertEqual(self.json("write", target, path, "--offset", 4096, *digests)["bytes"], len(data))
                self.weft("compare", target, path, "--offset", 4096, *digests)
                self.weft("read", target, self.folder / "back", "--offset", 4096, "--length", len(data), *digests)
                self.assertEqual((self.folder / "back").read_bytes(), data)
                self.assertEqual(self.json("flush", target, *digests), {"namespace": 1, "flushed": True})
        around = self.weft("read", target, "--length", 4096 + 512)
        self.assertEqual(around, bytes(4096) + data[:512])
        end = 4096 + len(data)
        self.assertEqual(self.weft("read", target, "--offset", end // 512 * 512, "--length", 1024)[end % 512 :], bytes(1024 - end % 512))
        self.weft("discard", target, "--offset", 4096, "--length", 8192)
        self.assertEqual(self.weft("read", target, "--offset", 4096, "--length", 8192), bytes(8192))
        self.assertIn(" differ at byte 0\n", self.weft("compare", target, path, "--offset", 4096, status=1))
        done = self.run_words(WEFT, "compare", target, path, "--offset", 4096, "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)), (1, {"bytes": 0, "equal": False}))

    def test_pipes(self):
        _, target = self.target("16M")
        data = random.randbytes(3 * MIB + 1)
        self.weft("write", target, input=data)
        self.assertEqual(self.weft("read", target, "--length", len(data)), data)
        self.weft("copy", "-", target, input=data[::-1])
        self.weft("compare", target, input=data[::-1])
        self.assertEqual(self.weft("copy", target, "-", "--length", len(data)), data[::-1])

    def test_what_does_not_fit_changes_nothing(self):
        _, target = self.target("8M")
        path = self.file("data", b"x" * (8 * MIB + 1))
        self.assertIn("8 MiB do not fit", self.weft("write", target, path, status=1))
        self.assertEqual(self.weft("read", target), bytes(8 * MIB))
        _, larger = self.target("9M")
        self.assertIn("do not fit", self.weft("copy", larger, target, status=1))
        self.assertIn("it ends after 8388608 bytes", self.weft("compare", target, self.file("zeroes", bytes(8 * MIB + 1)), status=1))

    def test_read_only_and_namespaces(self):
        disk = self.file("disk", b"d" * MIB)
        _, target = self.target(f"{disk},readonly,buffered", "1M")
        self.assertIn("it has 2 namespaces; choose one", self.weft("read", target, status=2))
        self.assertEqual(self.weft("read", f"{target}?ns=1"), b"d" * MIB)
        self.assertIn("Namespace is Write Protected", self.weft("write", target, disk, "--namespace", 1, status=1))
        self.weft("copy", f"{target}?ns=1", f"{target}?ns=2")
        self.assertEqual(self.weft("read", target, "--namespace", 2), b"d" * MIB)

    def test_a_copy_between_two_targets(self):
        size = 64 * MIB if os.environ.get("WEFT_SANITIZE") else 1024 * MIB
        disk = self.folder / "disk"
        with open(disk, "wb") as file:
            for place in (0, size // 3, size - 16 * MIB):
                file.seek(place)
                file.write(random.randbytes(16 * MIB))
        _, source = self.target(f"{disk},buffered")
        _, destination = self.target(f"{size // MIB}M")
        self.assertEqual(self.json("copy", source, destination)["bytes"], size)
        self.weft("compare", destination, disk)

    def test_a_name_with_several_addresses(self):
        """The first one that answers is taken."""
        if os.geteuid() != 0:
            self.skipTest("only root may give this process names of its own")
        _, target = self.target("8M")
        address, _, rest = target.removeprefix("tcp://").partition(":")
        for addresses in ((loopback(), address), (address, loopback()), (loopback(), loopback(), address)):
            hosts = self.file("hosts", "".join(f"{each} disks.example\n" for each in addresses).encode())
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/hosts && exec "$2" identify "$3" --json', "sh"]
                + [hosts, WEFT, f"tcp://disks.example:{rest}"],
                capture_output=True, text=True, timeout=60, env=self.environment(), check=False,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(target.endswith(json.loads(done.stdout)["subnqn"]))

    def test_a_target_that_comes_back(self):
        """What is copied when the target ends goes on when it is there again."""
        disk = self.folder / "disk"
        program, target = self.target(f"file:{disk},size=64M,buffered")
        address = target.removeprefix("tcp://").partition("/")[0]
        reader = subprocess.Popen([WEFT, "write", target, "--loss-time", "50"], stdin=subprocess.PIPE, env=self.environment())
        self.addCleanup(reader.kill)
        data = random.randbytes(8 * MIB)
        reader.stdin.write(data[: 4 * MIB])
        reader.stdin.flush()
        program.kill()
        again, _ = self.serve(f"{disk},buffered", "--listen", address, "--nqn", target.rpartition("/")[2])
        reader.stdin.write(data[4 * MIB :])
        reader.stdin.close()
        self.assertEqual(reader.wait(60), 0)
        self.assertEqual(self.weft("read", target, "--length", len(data)), data)
        self.assertEqual(again.end()[0], 0)


if __name__ == "__main__":
    unittest.main()
