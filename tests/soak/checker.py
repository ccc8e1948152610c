#!/usr/bin/env python3
"""The soak's checks find what they are there for: a byte that changed, an old block that came back, a descriptor that stays
open."""

import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e/lib")]
import unittest

import results
import soak
from bed import Bed
from footprint import Footprint, leaked
from steered import FILTERED_WEFTD

BLOCK = 4096
NAME = "checker"


class Checker(unittest.TestCase):
    def setUp(self):
        self.soak = soak.Soak(0, 1, open(os.devnull, "w", encoding="utf-8"))
        self.addCleanup(self.soak.out.close)
        bed = Bed(self.soak, NAME, {"fd_buffered_io": "1"})
        self.addCleanup(bed.stack.close)
        self.bed = bed.__enter__()
        self.disk = open(bed.disk, "r+b", buffering=0)
        self.addCleanup(self.disk.close)

    def harm(self, does):
        """What the load finds wrong after something was done while nothing was under way."""
        self.bed.load.do("hold")
        does()
        self.bed.load.do("sweep")
        return self.bed.load.wrong

    def write(self, place, data):
        os.pwrite(self.disk.fileno(), data, place)

    def a_written_block(self):
        wait = time.monotonic() + 20
        while time.monotonic() < wait:
            for place in range(0, 1 << 20, BLOCK):
                if any(data := os.pread(self.disk.fileno(), BLOCK, place)):
                    return place, data
        raise AssertionError("nothing is written")

    def test_nothing_is_wrong_with_what_was_left_alone(self):
        self.assertEqual(self.harm(lambda: None), [])

    def change_a_byte(self):
        place, data = self.a_written_block()
        self.write(place + 1000, bytes([data[1000] ^ 1]))

    def test_a_changed_byte(self):
        wrong = self.harm(self.change_a_byte)
        self.assertEqual(len(wrong), 1, wrong)
        self.assertIn("holds no data that was ever written to it", wrong[0])

    def test_an_old_block(self):
        self.bed.load.do("hold")
        place, old = self.a_written_block()
        self.bed.load.do("rewrite 0")
        wrong = self.harm(lambda: self.write(place, old))
        self.assertEqual(len(wrong), 1, wrong)
        self.assertIn("had replaced", wrong[0])

    def test_what_is_lost_is_in_the_table_and_ends_the_bed_badly(self):
        with self.bed.fault("a byte"):
            self.assertEqual(len(self.harm(self.change_a_byte)), 1)
            self.bed.load.do("run")
        (row,) = results.rows(self.soak.results)
        self.assertEqual((row["times"], row["survived"]), (1, 0))
        self.assertGreaterEqual(row["lost"], 1)
        self.assertFalse(self.soak.is_good())

    def test_a_descriptor_and_a_file_that_stay(self):
        base = Footprint(os.getpid(), self.bed.temporary)
        with open(os.devnull, "rb"):
            (self.bed.temporary / "left").touch()
            found = leaked(os.getpid(), self.bed.temporary, base, seconds=0)
        self.assertEqual(len(found), 2, found)
        self.assertIn("1 descriptors", found[0])
        self.assertIn("left", found[1])


class Power(unittest.TestCase):
    def test_what_is_lost_with_the_power_is_missed_by_who_does_not_know_of_it(self):
        with open(os.devnull, "w", encoding="utf-8") as out:
            bed = Bed(soak.Soak(0, 1, out), NAME, program=(FILTERED_WEFTD, "--volatile"))
            self.addCleanup(bed.stack.close)
            bed.__enter__()
            bed.load.do("rewrite 0")
            bed.kill()
            bed.start()
            bed.load.do("sweep")
            self.assertGreater(len(bed.load.wrong), 0)


if __name__ == "__main__":
    unittest.main()
