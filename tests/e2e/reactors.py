#!/usr/bin/env python3
"""weftd's reactors: how many serve is changed while hosts are connected, and queues are spread evenly."""

import json
import sys
import unittest

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")

import nvme
from programs import WEFT, Case, document, free_port, wait_for

NQN = "nqn.2026-01.io.example:reactors"
BLOCK = 512


class Reactors(Case):
    def weft(self, *words, status=0):
        done = self.run_words(WEFT, *words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr if status else done.stdout

    def start(self, *words):
        self.port = free_port()
        program, _ = self.weftd(document(NQN, self.port), *words)
        program.line()
        return program

    def reactors(self):
        return json.loads(self.weft("status", "--json"))["reactors"]

    def carried(self):
        """Connections, and the listeners."""
        return [each["carries"] for each in self.reactors()]

    def connect(self, count):
        """Each an admin queue and an I/O queue."""
        pairs = []
        for _ in range(count):
            controller = nvme.Controller(("127.0.0.1", self.port), NQN)
            self.addCleanup(controller.close)
            queue = controller.io_queue()
            self.addCleanup(queue.close)
            pairs.append((controller, queue))
        return pairs

    def use(self, pairs, text):
        for lba, (_, queue) in enumerate(pairs):
            data = f"{text} {lba}".encode().ljust(BLOCK, b".")
            queue.write(lba, data)
            self.assertEqual(queue.read(lba, BLOCK), data)

    def test_more_and_fewer_while_hosts_are_connected(self):
        program = self.start("--reactors", "1", "--most-reactors", "3")
        self.assertEqual(self.weft("get", "reactors").strip(), "1")
        first = self.connect(3)
        carries = self.carried()
        self.assertEqual(carries[1:], [0, 0])
        self.weft("set", "reactors", "3")
        self.assertEqual([each["in_use"] for each in self.reactors()], [True, True, True])
        second = self.connect(3)
        self.use(first + second, "on three")
        after = self.carried()
        self.assertEqual((after[0], sum(after[1:])), (carries[0], 6), "those before stay, those after are on the others")
        self.assertEqual(after[1], after[2])
        self.weft("set", "reactors", "1")
        third = self.connect(1)
        self.use(first + second + third, "on one")
        self.assertEqual(self.carried(), [after[0] + 2, *after[1:]])
        self.assertIn("1 of 3 in use", self.weft("status"))
        for controller, queue in second:
            queue.close()
            controller.close()
        wait_for(lambda: self.carried()[1:] == [0, 0], "the end of their connections")
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_what_cannot_be(self):
        program = self.start("--reactors", "2")
        for wrong in ("0", "3", "some"):
            said = self.weft("set", "reactors", wrong, status=1)
            self.assertIn(f'"{wrong}" must be 1 to 2', said)
            self.assertIn("--most-reactors", said)
        self.assertEqual(self.weft("get", "reactors").strip(), "2")
        self.assertEqual(program.end()[0], 0, program.errors())


if __name__ == "__main__":
    unittest.main()
