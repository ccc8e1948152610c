#!/usr/bin/env python3
"""The time from start to listening, printed.  The limit here only tells starting from hanging: bench/start_time
measures."""

import sys
import time

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

from programs import Case, document, free_port, loopback

GENEROUS_SECONDS = 5


class StartTime(Case):
    def test_figure(self):
        host, times = loopback(), {}
        for name in ("weft serve", "weftd"):
            before = time.monotonic()
            if name == "weftd":
                program, _ = self.weftd(document("nqn.2026-01.io.example:disk", free_port(), host))
                program.line()
            else:
                program, _ = self.serve("1G", "--listen", f"{host}:0")
            times[name] = time.monotonic() - before
            self.assertEqual(program.end()[0], 0)
        print(", ".join(f"{name}: {seconds * 1000:.0f} ms to listening" for name, seconds in times.items()))
        self.assertLess(max(times.values()), GENEROUS_SECONDS)


if __name__ == "__main__":
    unittest.main()
