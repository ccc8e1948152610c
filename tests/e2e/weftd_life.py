#!/usr/bin/env python3
"""weftd: from a configuration to listening, loading it again, and its end."""

import json
import signal
import socket
import sys
import time

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nvme
from programs import WEFT, WEFTD, Case, document, free_port, loopback, wait_for

NQN = "nqn.2026-01.io.example:"
END_SECONDS = 15  # of a daemon whose backends answer, with plenty of room


class Life(Case):
    def setUp(self):
        super().setUp()
        self.host, self.port = loopback(), free_port()
        self.address = (self.host, self.port)

    def document(self, name="one", port=None, **more):
        return document(NQN + name, port or self.port, self.host, **more)

    def start(self, wanted):
        program, path = self.weftd(wanted)
        self.assertEqual(program.line(), f"listening on tcp:{self.host}:{self.port}")
        return program, path

    def names(self):
        return sorted(entry[1] for entry in nvme.discover(self.address) if entry[1] != nvme.DISCOVERY)

    def test_ends_in_time_with_hosts_connected(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            program, _ = self.start(self.document())
            controllers = [nvme.Controller(self.address, f"{NQN}one") for _ in range(5)]
            queue = controllers[0].io_queue()
            queue.write(0, b"x" * 4096)
            before = time.monotonic()
            status, _ = program.end(number)
            self.assertEqual(status, 0, program.errors())
            self.assertLess(time.monotonic() - before, END_SECONDS)
            for connection in [queue, *controllers]:
                self.assertEqual(connection.socket.recv(1), b"", "closed, not reset")
                connection.close()

    def test_loads_the_configuration_again(self):
        program, path = self.start(self.document())
        self.assertEqual(self.names(), [f"{NQN}one"])
        both = self.document()
        both["nvmet"]["subsystems"].update(self.document("two")["nvmet"]["subsystems"])
        other = free_port()
        both["nvmet"]["subsystems"][f"{NQN}two"]["ports"][f"tcp:{self.host}:{other}"] = {}
        with nvme.Controller(self.address, f"{NQN}one") as controller, controller.io_queue() as queue:
            queue.write(3, b"kept" * 128)
            path.write_text(json.dumps(both))
            program.send(signal.SIGHUP)
            self.assertEqual(program.line(), f"listening on tcp:{self.host}:{other}")
            wait_for(lambda: self.names() == [f"{NQN}one", f"{NQN}two"], "the second subsystem on the old port")
            self.assertEqual(queue.read(3, 512), b"kept" * 128, "the same connection goes on")
        path.write_text(json.dumps(self.document()))
        program.send(signal.SIGHUP)
        wait_for(lambda: self.names() == [f"{NQN}one"], "the second subsystem's end")
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((self.host, other))
        self.assertEqual(program.end()[0], 0)

    def test_a_mistake_changes_nothing(self):
        program, path = self.start(self.document())
        wrong = self.document("two")
        wrong["nvmet"]["subsystems"][f"{NQN}two"]["attr_no_such"] = "1"
        for text, reason in (("{", "no JSON text"), (json.dumps(wrong), "attr_no_such"), ("[]", "the document")):
            path.write_text(text)
            program.send(signal.SIGHUP)
            program.wait_for_error(reason)
        wait_for(lambda: program.errors().count("left as it was") == 3, "three refusals")
        self.assertEqual(self.names(), [f"{NQN}one"])
        path.unlink()
        program.send(signal.SIGHUP)
        wait_for(lambda: program.errors().count("left as it was") == 4, "a missing file's refusal")
        self.assertEqual(program.end()[0], 0)

    def test_one_bad_item_does_not_stop_the_rest(self):
        wanted = self.document()
        wanted["target"]["core"]["tape_1"] = {"reel": {"control": {}}}
        wanted["nvmet"]["subsystems"][f"{NQN}two"] = {"namespaces": {"1": {"device": "target/core/tape_1/reel"}}}
        program, _ = self.start(wanted)
        program.wait_for_error("target/core/tape_1/reel: there is no such plugin; known: ")
        with nvme.Controller(self.address, f"{NQN}one") as controller:
            self.assertEqual(controller.namespaces(), [1])
        self.assertEqual(program.end()[0], 0)

    def test_without_a_configuration(self):
        path = self.folder / "weft.json"
        for text, reason in ((None, "No such file or directory"), ("{", "it is no JSON text"), ("{}", "version")):
            if text is not None:
                path.write_text(text)
            done = self.run_words(WEFTD, "--config", path, "--state-dir", self.state)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(str(path), done.stderr)
            self.assertIn(reason, done.stderr)

    def test_check(self):
        path = self.folder / "weft.json"
        path.write_text(json.dumps(self.document()))
        done = self.run_words(WEFTD, "--check", "--config", path)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        wrong = self.document(control={"size": "1G", "colour": "red"})
        wrong["target"]["core"]["tape_1"] = {"reel": {}}
        wrong["nvmet"]["subsystems"][f"{NQN}one"]["namespaces"]["2"] = {"device": "target/core/rd_mcp_1/none"}
        wrong["nvmet"]["subsystems"][f"{NQN}two"] = {"attr_qid_max": 1000}
        path.write_text(json.dumps(wrong))
        done = self.run_words(WEFTD, "--check", "--config", path)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        items = [line.removeprefix(f"weftd: {path}: ").partition(": ")[0] for line in done.stderr.splitlines()]
        self.assertEqual(
            sorted(items),
            [
                f"nvmet/subsystems/{NQN}one/namespaces/2",
                f"nvmet/subsystems/{NQN}two",
                "target/core/rd_mcp_1/disk/control/colour",
                "target/core/tape_1/reel",
            ],
        )

    def test_serves_what_weft_serve_prints(self):
        words = ["16M", "null:1T", "--listen", f"{self.host}:{self.port}", "--nqn", f"{NQN}one", "--print-config"]
        printed = self.run_words(WEFT, "serve", *words)
        self.assertEqual((printed.returncode, printed.stderr), (0, ""))
        program, path = self.weftd(printed.stdout)
        self.assertEqual(self.run_words(WEFTD, "--check", "--config", path).returncode, 0)
        lines = sorted(program.line() for _ in range(2))
        self.assertEqual(lines, sorted(f"listening on tcp:{self.host}:{port}" for port in (8009, self.port)))
        with nvme.Controller(self.address, f"{NQN}one") as controller:
            self.assertEqual(controller.namespaces(), [1, 2])
        self.assertEqual(program.end()[0], 0)


if __name__ == "__main__":
    unittest.main()
