#!/usr/bin/env python3
"""weft bench: each pattern, what it prints, and that verification finds what was spoiled on purpose."""

import json
import subprocess
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

from programs import WEFT, Case, loopback

MIB = 1 << 20
SHORT = ("--time", "0.3", "--warm-up", "0.1")


class Bench(Case):
    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        _, said = self.serve(f"file:{self.disk},size=16M,buffered", "--listen", f"{loopback()}:0")
        where = said["addresses"][0]
        self.target = f"tcp://{where['traddr']}:{where['trsvcid']}/{said['nqn']}"

    def bench(self, *words, status=0):
        done = subprocess.run(
            [WEFT, "bench", self.target, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=120,
            env=self.environment(),
            check=False,
        )
        self.assertEqual(done.returncode, status, done.stderr)
        if status == 0:
            self.assertEqual(done.stderr, "")
        return done.stdout if status == 0 else done.stderr

    def test_each_pattern(self):
        for pattern in ("read", "write", "rw", "randread", "randwrite", "randrw"):
            with self.subTest(pattern=pattern):
                said = json.loads(self.bench("--rw", pattern, "--json", *SHORT))
                kinds = {kind for kind in ("read", "write") if kind in said}
                self.assertEqual(kinds, {"read", "write"} if pattern.endswith("rw") else {pattern.removeprefix("rand")})
                for kind in kinds:
                    times = [said[kind][name] for name in ("p50_us", "p99_us", "p99.9_us", "max_us")]
                    self.assertGreater(said[kind]["iops"], 0)
                    self.assertEqual(times, sorted(times))
                self.assertGreater(said["host_cpu"]["us_per_command"], 0)
                self.assertGreater(said["own_us_per_command"], 0)
                self.assertIn("target_cpu", said)

    def test_verified_on_several_queues_with_digests(self):
        for words in (("--rw", "randrw"), ("--rw", "write", "--bs", "64K"), ("--rw", "rw", "--qd", 7)):
            said = self.bench(*words, "--verify", "--queues", 3, "--jobs", 2, "--data-digest", "--hdr-digest", *SHORT)
            self.assertIn(" blocks, all good\n", said)

    def test_a_table_for_people(self):
        said = self.bench(*SHORT)
        self.assertRegex(said, r"(?m)^ +IOPS +BANDWIDTH +MEAN +P50 +P99 +P99.9 +MAX$")
        self.assertRegex(said, r"(?m)^read +\d+ +[\d.]+ .iB/s +[\d.]+ us")
        self.assertRegex(said, r"(?m)^this host: [\d.]+ CPUs, [\d.]+ us a command$")
        self.assertRegex(said, r"(?m)^this bench by itself: at most [\d.]+ us a command")

    def test_rate(self):
        said = json.loads(self.bench("--rate", 500, "--json", "--time", 2, "--warm-up", 0.2, "--queues", 2))
        self.assertLess(said["read"]["iops"], 600)
        self.assertGreater(said["read"]["iops"], 50, "a busy machine is slow, and still not idle")

    def spoil(self, change):
        """Writes all of the namespace, lets `change` have its bytes, and checks them."""
        self.bench("--rw", "write", "--verify", "--seed", 9, "--time", "1", "--bs", "64K")
        data = bytearray(self.disk.read_bytes())
        change(data)
        with open(self.disk, "r+b") as file:
            file.write(data)
        return self.bench("--rw", "read", "--verify", "--seed", 9, "--time", "30", "--bs", "64K", status=1)

    def test_damage_is_found(self):
        def change(data):
            data[5 * MIB + 1000] ^= 1

        self.assertIn(f"weft bench: byte {5 * MIB + 512}: damaged", self.spoil(change))

    def test_misplaced_data_is_found(self):
        def change(data):
            data[4 * MIB : 4 * MIB + 65536], data[8 * MIB : 8 * MIB + 65536] = (
                data[8 * MIB : 8 * MIB + 65536],
                data[4 * MIB : 4 * MIB + 65536],
            )

        self.assertRegex(self.spoil(change), f"byte ({4 * MIB}|{8 * MIB}): misplaced")

    def test_a_torn_write_is_found(self):
        self.bench("--rw", "write", "--verify", "--seed", 9, "--time", "1", "--bs", "64K", "--size", "4M")
        older = self.disk.read_bytes()[:65536]

        def change(data):
            if data[:65536] != older:
                data[32768:65536] = older[32768:]
            else:
                data[0] ^= 1

        self.assertRegex(self.spoil(change), "byte (0|32768): (torn|damaged)")

    def test_what_cannot_be_done(self):
        for words, text in (
            (("--bs", "100"), '--bs "100": must be a multiple of 512'),
            (("--rw", "sideways"), '--rw "sideways": must be read, write'),
            (("--size", "1G"), "--size 1 GiB: the namespace has 16 MiB"),
            (("--bs", "2M"), "--bs 2097152: the target takes 1 MiB at most"),
            (("--bs", "1M"), "16 MiB is too small for 1 queues of 32 commands of 1 MiB"),
        ):
            self.assertIn(f"weft bench: {text}", self.bench(*words, *SHORT, status=2))


if __name__ == "__main__":
    unittest.main()
