#!/usr/bin/env python3
"""The host library as others get it: installed, found by pkg-config, linked with the example, against a target."""

import os
import subprocess
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

from programs import BIN, ROOT, Case, loopback

SANITIZERS = {"address": ["-fsanitize=address,undefined"], "thread": ["-fsanitize=thread"], "coverage": ["--coverage"]}


class Library(Case):
    def run_tool(self, *words, **more):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, check=False, **more)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def test_an_installed_example(self):
        prefix = self.folder / "prefix"
        self.run_tool("cmake", "--install", BIN.parent, "--prefix", prefix)
        (found,) = prefix.glob("lib*/**/weft-host.pc")
        words = self.run_tool(
            "pkg-config", "--cflags", "--libs", "weft-host", env={**os.environ, "PKG_CONFIG_PATH": str(found.parent)}
        ).split()
        program = self.folder / "host"
        sanitizer = SANITIZERS.get(os.environ.get("WEFT_SANITIZE", ""), [])
        self.run_tool("g++", "-std=c++23", "-Wall", "-Wextra", "-Werror", *sanitizer, ROOT / "examples/host.cc", *words, "-o", program)
        _, said = self.serve("8M", "--listen", f"{loopback()}:0")
        where = said["addresses"][0]
        target = f"tcp://{where['traddr']}:{where['trsvcid']}"
        out = self.run_tool(program, f"{target}/{said['nqn']}")
        self.assertIn("namespace 1: 8388608 bytes\n", out)
        self.assertIn(f"by {where['traddr']} port {where['trsvcid']}: live optimized\n", out)
        self.assertTrue(out.endswith(" reads, 0 failed\n"), out)
        refused = subprocess.run([program, f"{target}/nqn.x"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("no such subsystem", refused.stderr)


if __name__ == "__main__":
    unittest.main()
