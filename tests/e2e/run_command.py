#!/usr/bin/env python3
"""weft run: the command's environment, status and signals, and that the target ends with it."""

import os
import signal
import socket
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nvme
from programs import WEFT, Case, Program, wait_for

ASK = 'echo "$WEFT_ADDR $WEFT_PORT $WEFT_NQN $WEFT_URI"'


class Run(Case):
    def run_command(self, *words, **more):
        return self.run_words(WEFT, "run", "--state-dir", self.state, *words, **more)

    def start(self, script):
        return Program(self, WEFT, "run", "--state-dir", self.state, "16M", "--", "bash", "-c", script)

    def test_environment(self):
        done = self.run_command("--", "sh", "-c", ASK, environment={"WEFT_PORT": "of another"})
        host, port, nqn, uri = done.stdout.split()
        self.assertEqual((done.returncode, done.stderr, host), (0, "", "127.0.0.1"))
        self.assertEqual(uri, f"tcp://{host}:{port}/{nqn}")
        named = self.run_command("16M", "--nqn", "nqn.2026-01.io.example:disk", "--", "sh", "-c", ASK)
        self.assertEqual(named.stdout.split()[2], "nqn.2026-01.io.example:disk")

    def test_target_is_there_while_the_command_runs(self):
        program = self.start(ASK + "; read -r -t 60 line <$HOLD".replace("$HOLD", str(self.fifo())))
        host, port, nqn, _ = program.line().split()
        address = (host, int(port))
        self.assertIn(nqn, [entry[1] for entry in nvme.discover(address)])
        with nvme.Controller(address, nqn) as controller:
            self.assertEqual(controller.namespaces(), [1])
        self.hold.write_text("on\n")
        self.assertEqual(program.process.wait(60), 0, program.errors())
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(address)

    def fifo(self):
        self.hold = self.folder / "hold"
        os.mkfifo(self.hold)
        return self.hold

    def test_status(self):
        for script, status in (("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)):
            done = self.run_command("--", "sh", "-c", script)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (status, "", ""), script)
        done = self.run_command("--", "no-such-command")
        self.assertEqual((done.returncode, done.stderr), (127, "weft run: no-such-command: No such file or directory\n"))
        done = self.run_command("--", self.folder)
        self.assertEqual((done.returncode, done.stderr), (126, f"weft run: {self.folder}: Permission denied\n"))

    def test_words_of_the_command_are_its_own(self):
        done = self.run_command("--", "printf", "%s\n", "--help", "--", "a b", "")
        self.assertEqual((done.returncode, done.stdout), (0, "--help\n--\na b\n\n"))

    def test_signals_are_passed_on(self):
        for name in ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2"):
            program = self.start(f"trap 'echo got {name}; exit 9' {name}; echo ready; while :; do sleep 0.05; done")
            self.assertEqual(program.line(), "ready")
            status, out = program.end(getattr(signal, f"SIG{name}"))
            self.assertEqual((status, out), (9, f"got {name}\n"))

    def test_a_command_that_a_signal_ends(self):
        program = self.start("echo ready; exec sleep 60")
        self.assertEqual(program.line(), "ready")
        self.assertEqual(program.end(signal.SIGTERM), (143, ""))

    def test_command_begins_with_the_signals_as_they_were(self):
        done = self.run_command("--", "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")
        own = self.run_words("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")
        blocked = done.stdout.split()[1]
        ignored = int(done.stdout.split()[3], 16)
        self.assertEqual(blocked, own.stdout.split()[1])
        self.assertEqual(ignored & 1 << signal.SIGPIPE - 1, 0, "SIGPIPE ends it as it does elsewhere")

    def test_command_has_no_descriptors_of_the_target(self):
        done = self.run_command("--", "sh", "-c", "ls /proc/self/fd | wc -l")
        own = self.run_words("sh", "-c", "ls /proc/self/fd | wc -l")
        self.assertEqual(done.stdout, own.stdout)

    def test_command_that_leaves_a_child_behind(self):
        done = self.run_command("--", "bash", "-c", "sleep 60 >/dev/null 2>&1 & echo $!; exit 3")
        self.assertEqual(done.returncode, 3)
        os.kill(int(done.stdout), signal.SIGKILL)

    def test_many_at_once(self):
        programs = [self.start(ASK + "; exec sleep 60") for _ in range(4)]
        said = [program.line().split() for program in programs]
        self.assertEqual(len({line[1] for line in said}), 4, "each has a port of its own")
        self.assertEqual(len({line[2] for line in said}), 4, "and a name: a host may connect to all of them")
        for program in programs:
            self.assertEqual(program.end(signal.SIGTERM)[0], 143)
        wait_for(lambda: all(program.process.poll() is not None for program in programs), "their ends")


if __name__ == "__main__":
    unittest.main()
