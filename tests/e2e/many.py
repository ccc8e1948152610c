#!/usr/bin/env python3
"""weftd with very much of everything: subsystems, open files, namespaces, queues; and what a restart leaves of it."""

import json
import signal
import struct
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nvme
from programs import WEFTD, Case, Program, document, free_port, wait_for

NQN = "nqn.2026-01.io.example:"
SUBSYSTEMS = 2000
NAMESPACES = 1024
QUEUES = 128
FEW_FILES = 256  # a hard limit that is too low for what follows
FILES_BEYOND = 400


def limited(files):
    """weftd under a hard limit of open files."""
    return ["prlimit", f"--nofile={files}:{files}", WEFTD]


class Many(Case):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)

    def with_files(self, count):
        """A configuration of so many subsystems, each with a file of its own."""
        device = {"control": {"fd_dev_name": "", "fd_dev_size": "1M", "create": "1", "fd_buffered_io": "1"}}
        whole = document(NQN, self.port)
        whole["target"]["core"] = {"fileio_1": {}}
        whole["nvmet"]["subsystems"] = {}
        for i in range(count):
            path = self.folder / f"disk{i}.img"
            whole["target"]["core"]["fileio_1"][f"disk{i}"] = {"control": {**device["control"], "fd_dev_name": str(path)}}
            one = document(f"{NQN}{i}", self.port, plugin="fileio", name=f"disk{i}")
            whole["nvmet"]["subsystems"].update(one["nvmet"]["subsystems"])
        return whole

    def names(self):
        return {entry[1] for entry in nvme.discover(self.address)} - {nvme.DISCOVERY}

    def test_thousands_of_open_files_and_a_restart(self):
        wanted = {f"{NQN}{i}" for i in range(SUBSYSTEMS)}
        some = range(0, SUBSYSTEMS, 97)
        program, path = self.weftd(self.with_files(SUBSYSTEMS))
        program.line()
        self.assertEqual(self.names(), wanted, program.errors())
        serials = {}
        for i in some:
            with nvme.Controller(self.address, f"{NQN}{i}") as controller, controller.io_queue() as queue:
                serials[i] = controller.serial()
                queue.write(7, f"disk {i}".encode().ljust(512, b"."))
                queue.flush()
        self.assertEqual(len(set(serials.values())), len(serials))
        program.send(signal.SIGKILL)
        program.process.wait()
        program = Program(self, WEFTD, "--config", path, "--state-dir", self.state)
        program.line()
        self.assertEqual(self.names(), wanted, program.errors())
        for i in some:
            with nvme.Controller(self.address, f"{NQN}{i}") as controller, controller.io_queue() as queue:
                self.assertEqual(controller.serial(), serials[i])
                self.assertEqual(queue.read(7, 512), f"disk {i}".encode().ljust(512, b"."))
        self.assertEqual(program.end()[0], 0, program.errors())

    def missing(self, program):
        return program.errors().count("Too many open files")

    def served(self):
        namespaces = 0
        for i in range(FILES_BEYOND):
            with nvme.Controller(self.address, f"{NQN}{i}") as controller:
                namespaces += len(controller.namespaces())
        return namespaces

    def test_more_files_than_may_be_open(self):
        whole, path = self.weftd(self.with_files(FILES_BEYOND))  # makes the files
        whole.line()
        self.assertEqual(whole.end()[0], 0)
        program = Program(self, *limited(FEW_FILES), "--config", path, "--state-dir", self.state)
        program.line()
        # Opening may go on behind the start.
        wait_for(lambda: self.served() + self.missing(program) == FILES_BEYOND, "each file to be served or reported")
        missing = self.missing(program)
        self.assertGreater(missing, FILES_BEYOND - FEW_FILES)
        self.assertLess(missing, FILES_BEYOND, "those that fit are there")
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_namespaces_up_to_the_limit(self):
        whole = document(f"{NQN}wide", self.port, plugin="null", control={"size": "1G"})
        namespaces = whole["nvmet"]["subsystems"][f"{NQN}wide"]["namespaces"]
        for nsid in range(1, NAMESPACES + 1):
            namespaces[str(nsid)] = namespaces["1"]
        program, path = self.weftd(whole)
        program.line()
        with nvme.Controller(self.address, f"{NQN}wide") as controller:
            self.assertEqual(controller.namespaces(), list(range(1, NAMESPACES + 1)))
            self.assertEqual(struct.unpack_from("<I", controller.identify(1), 516)[0], NAMESPACES, "NN")
            identifiers = {controller.identifiers(nsid) for nsid in range(1, NAMESPACES + 1, 31)}
            self.assertEqual(len(identifiers), len(range(1, NAMESPACES + 1, 31)))
            with controller.io_queue() as queue:
                queue.write(0, bytes(512), nsid=NAMESPACES)
        self.assertEqual(program.end()[0], 0, program.errors())
        namespaces[str(NAMESPACES + 1)] = namespaces["1"]
        path.write_text(json.dumps(whole))
        checked = self.run_words(WEFTD, "--check", "--config", path)
        self.assertNotEqual(checked.returncode, 0)
        self.assertIn(f"{NAMESPACES + 1}", checked.stdout + checked.stderr)

    def test_queues_up_to_the_limit(self):
        program, _ = self.weftd(document(f"{NQN}deep", self.port))
        program.line()
        with nvme.Controller(self.address, f"{NQN}deep") as controller:
            granted, _ = controller.command("Set Features 07", 9, 0, struct.pack("<II", 7, 0xFFFE | 0xFFFE << 16))
            self.assertEqual((granted & 0xFFFF, granted >> 16), (QUEUES - 1, QUEUES - 1))
            queues = [self.queue(controller, qid) for qid in range(1, QUEUES + 1)]
            for place, queue in enumerate(queues):
                queue.write(place, bytes([place]) * 512)
            for place, queue in enumerate(reversed(queues)):
                self.assertEqual(queue.read(QUEUES - 1 - place, 512), bytes([QUEUES - 1 - place]) * 512)
            with self.assertRaises(nvme.Refused):
                self.queue(controller, QUEUES + 1)
            for queue in queues:
                queue.close()
        self.assertEqual(program.end()[0], 0, program.errors())

    def queue(self, controller, qid):
        return nvme.IoQueue(self.address, controller.subsystem, controller.host, qid=qid, cntlid=controller.cntlid)


if __name__ == "__main__":
    unittest.main()
