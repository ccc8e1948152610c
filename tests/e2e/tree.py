#!/usr/bin/env python3
"""weftd --tree: the configuration as a directory, as people and their scripts use it."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nvme
from programs import WEFTD, Case, Program, document, free_port

NQN = "nqn.2003-01.org.linux-iscsi.NVMf.skylake-ep"
SKIPPED = 77
TENANTS = 64
CLIENTS = 8

SET_UP = """
set -e
mkdir -p ROOT/target/core/rd_mcp_1/ramdisk0
echo rd_pages=32768 > ROOT/target/core/rd_mcp_1/ramdisk0/control
echo 1 > ROOT/target/core/rd_mcp_1/ramdisk0/enable
mkdir ROOT/nvmet/subsystems/NQN
cd    ROOT/nvmet/subsystems/NQN
mkdir hosts/HOST namespaces/ns_1
ln -s ROOT/target/core/rd_mcp_1/ramdisk0 namespaces/ns_1/1
mkdir ports/tcp:127.0.0.1:PORT ports/tcp:[::1]:PORT ports/loop
echo 1 > ports/tcp:127.0.0.1:PORT/enable
"""

TAKE_DOWN = """
set -e
cd ROOT/nvmet/subsystems/NQN
rm namespaces/ns_1/1
rmdir namespaces/* hosts/* ports/*
cd /
rmdir ROOT/nvmet/subsystems/NQN ROOT/target/core/rd_mcp_1/ramdisk0 ROOT/target/core/rd_mcp_1
"""


class Tree(Case):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "tree"
        self.addCleanup(self.unmount)
        self.port = free_port()

    def unmount(self):
        """What a killed daemon leaves; fails quietly when nothing is mounted."""
        subprocess.run(["umount", "-l", self.root], stderr=subprocess.DEVNULL, check=False)

    def start(self, *words):
        program = Program(self, WEFTD, "--tree", self.root, "--state-dir", self.state, *words)
        while program.line() != f"the configuration is at {self.root}":
            pass
        return program

    def shell(self, script, nqn=NQN, status=0):
        for name, value in (("ROOT", self.root), ("NQN", nqn), ("HOST", nvme.HOST), ("PORT", self.port)):
            script = script.replace(name, str(value))
        done = self.run_words("bash", "-c", script)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def see_controller(self, controller):
        folder = self.root / "nvmet/subsystems" / NQN / "controllers" / str(controller.cntlid)
        self.assertEqual(os.listdir(folder.parent), [folder.name])
        shown = {file.name: file.read_text().strip() for file in folder.iterdir()}
        host, port = controller.socket.getsockname()
        self.assertEqual(shown.pop("hostid"), str(uuid.uuid5(uuid.NAMESPACE_URL, nvme.HOST)))
        wanted = {"hostnqn": nvme.HOST, "host_traddr": f"{host}:{port}", "port": f"tcp:127.0.0.1:{self.port}"}
        self.assertEqual(shown, wanted | {"kato": "15000", "queues": "1", "state": "ready"})
        with self.assertRaises(PermissionError):
            folder.rmdir()
        with self.assertRaises(PermissionError):
            (folder.parent / "7").mkdir()

    def wait_for_no_controller(self):
        folder = self.root / "nvmet/subsystems" / NQN / "controllers"
        end = time.monotonic() + 20
        while os.listdir(folder):
            self.assertLess(time.monotonic(), end, "a controller stays although its host is gone")
            time.sleep(0.01)

    def test_the_way_of_a_tenant(self):
        program = self.start()
        self.shell(SET_UP)
        self.assertEqual(program.line(), f"listening on tcp:127.0.0.1:{self.port}")
        address = ("127.0.0.1", self.port)
        with nvme.Controller(address, NQN) as controller, controller.io_queue() as queue:
            queue.write(0, b"by the tree".ljust(512, b"."))
            self.assertEqual(queue.read(0, 11 + 501)[:11], b"by the tree")
            counted = {path.name: int(path.read_text()) for path in (self.root / "target/core/rd_mcp_1/ramdisk0/statistics").iterdir()}
            self.assertEqual((counted["write_commands"], counted["write_bytes"]), (1, 512))
            self.assertEqual((counted["read_commands"], counted["read_bytes"], counted["errors"]), (1, 512, 0))
            self.assertEqual(controller.namespaces(), [1])
            self.see_controller(controller)
            self.shell("rm ROOT/nvmet/subsystems/NQN/namespaces/ns_1/1")
            self.assertEqual(controller.namespaces(), [])
            self.shell("ln -s ../../../../../target/core/rd_mcp_1/ramdisk0 ROOT/nvmet/subsystems/NQN/namespaces/ns_1/again")
            self.assertEqual(queue.read(0, 512)[:11], b"by the tree")
            with self.assertRaises(nvme.Refused):
                nvme.Controller(address, NQN, "nqn.2026-01.io.example:stranger")
            self.shell("rmdir ROOT/nvmet/subsystems/NQN/hosts/HOST")
            self.assertEqual(controller.socket.recv(1), b"", "a host that is taken off the list is gone")
            self.shell("mkdir ROOT/nvmet/subsystems/NQN/hosts/HOST")
        self.wait_for_no_controller()
        self.shell("cd ROOT/nvmet/subsystems/NQN/namespaces/ns_1; mv again 1", status=1)
        self.shell(TAKE_DOWN.replace("rm namespaces/ns_1/1", "rm namespaces/ns_1/again"))
        self.assertEqual(os.listdir(self.root / "target/core"), [])
        self.assertEqual(os.listdir(self.root / "nvmet/subsystems"), [])
        self.shell(SET_UP)
        self.shell(TAKE_DOWN)
        self.assertEqual(program.end()[0], 0, program.errors())
        self.assertFalse(os.path.ismount(self.root))

    def test_a_refusal_says_why(self):
        program = self.start()
        self.shell(SET_UP)
        subsystem = self.root / "nvmet/subsystems" / NQN
        done = self.shell("echo 129 > ROOT/nvmet/subsystems/NQN/attr_qid_max", status=1)
        self.assertIn("Invalid argument", done.stderr)
        why = (subsystem / "last_error").read_text()
        self.assertIn('attr_qid_max: "129" must be a number from 1 to 128', why)
        self.shell("mkdir ROOT/nvmet/subsystems/NQN/ports/rdma:127.0.0.1:1")
        done = self.shell("echo 1 > ROOT/nvmet/subsystems/NQN/ports/rdma:127.0.0.1:1/enable", status=1)
        self.assertIn("not supported", done.stderr)
        self.assertIn('there is no transport "rdma"', (subsystem / "ports/rdma:127.0.0.1:1/last_error").read_text())
        self.assertEqual((subsystem / "last_error").read_text(), why)
        self.shell("rmdir ROOT/target/core/rd_mcp_1/ramdisk0", status=1)
        self.assertIn("shows it to hosts", (self.root / "last_error").read_text())
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_times_tell_what_changed(self):
        program = self.start()
        self.shell(SET_UP)
        subsystem = self.root / "nvmet/subsystems" / NQN
        watched = ["attr_model", "hosts", "namespaces", "ports", "namespaces/ns_1/readonly"]

        def moved(script):
            before = {name: os.stat(subsystem / name).st_mtime_ns for name in watched}
            self.shell(script)
            return [name for name in watched if os.stat(subsystem / name).st_mtime_ns > before[name]]

        self.assertEqual(moved("ls -lR ROOT > /dev/null"), [])
        self.assertEqual(moved("mkdir ROOT/nvmet/subsystems/NQN/hosts/other"), ["hosts"])
        self.assertEqual(moved("echo Model > ROOT/nvmet/subsystems/NQN/attr_model"), ["attr_model"])
        self.assertEqual(moved("rmdir ROOT/nvmet/subsystems/NQN/ports/loop"), ["ports"])
        self.assertEqual(moved("rm ROOT/nvmet/subsystems/NQN/namespaces/ns_1/1"), ["namespaces/ns_1/readonly"])
        self.assertLess(abs(os.stat(subsystem / "hosts").st_mtime - time.time()), 60)
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_many_at_once(self):
        program = self.start()
        self.shell("mkdir ROOT/target/core/rd_mcp_1")
        failed = []

        def make(first):
            for i in range(first, TENANTS, CLIENTS):
                nqn = f"nqn.2026-01.io.example:{i}"
                script = SET_UP.replace("ramdisk0", f"disk{i}").replace(" ports/tcp:[::1]:PORT ports/loop", "")
                try:
                    self.shell(script.replace("rd_pages=32768", "rd_pages=256"), nqn)
                except AssertionError as error:
                    failed.append(f"{i}: {error}")

        clients = [threading.Thread(target=make, args=(first,)) for first in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.assertEqual(failed, [])
        address = ("127.0.0.1", self.port)
        wanted = {f"nqn.2026-01.io.example:{i}" for i in range(TENANTS)}
        self.assertEqual({entry[1] for entry in nvme.discover(address)} - {nvme.DISCOVERY}, wanted)
        with nvme.Controller(address, "nqn.2026-01.io.example:7") as controller:
            self.assertEqual(controller.namespaces(), [1])
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_beside_a_file_and_over_a_dead_mount(self):
        path = self.folder / "weft.json"
        path.write_text(str(document(NQN, self.port)).replace("'", '"'))
        program = self.start("--config", path)
        subsystem = self.root / "nvmet/subsystems" / NQN
        self.assertTrue(os.path.samefile(subsystem / "namespaces/1/disk", self.root / "target/core/rd_mcp_1/disk"))
        self.assertEqual((subsystem / "attr_allow_any_host").read_text(), "1\n")
        self.assertEqual((self.root / f"nvmet/subsystems/{NQN}/ports/tcp:127.0.0.1:{self.port}/enable").read_text(), "1\n")
        second = self.run_words(WEFTD, "--tree", self.root, "--state-dir", self.state)
        self.assertEqual(second.returncode, 1)
        self.assertIn(str(self.root), second.stderr)
        program.send(signal.SIGKILL)
        program.process.wait()
        program = self.start("--config", path)
        self.assertTrue((subsystem / "namespaces").is_dir())
        self.assertEqual(program.end()[0], 0, program.errors())


if __name__ == "__main__":
    if not os.path.exists("/dev/fuse"):
        print("skipped: there is no /dev/fuse")
        sys.exit(SKIPPED)
    unittest.main()
