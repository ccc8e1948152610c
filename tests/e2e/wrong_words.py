#!/usr/bin/env python3
"""Wrong words and what cannot be had: one line that says the value and the rule, and the right status."""

import re
import socket
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

from programs import WEFT, WEFTD, Case, free_port, loopback

USAGE, FAILED = 2, 1
RUN = [WEFT, "run"]
SERVE = [WEFT, "serve"]
CASES = [
    ([WEFT], USAGE, "weft: no command: must be serve, run, status, .*export, attach, .*completion or help; see"),
    ([WEFT, "server"], USAGE, 'weft: "server": must be serve, run, status, .*export, attach, .*completion or help; see'),
    ([WEFT, "help", "me"], USAGE, 'weft help: "me": must be a command, attributes or plugins'),
    ([WEFT, "help", "serve", "run"], USAGE, "weft help: one topic at a time"),
    (SERVE, USAGE, "weft serve: nothing to export"),
    ([*SERVE, "1G", "--bogus"], USAGE, "weft serve: .*--bogus; see weft serve --help"),
    ([*SERVE, "1G", "--listen"], USAGE, "weft serve: --listen.*; see weft serve --help"),
    ([*SERVE, "1G", "--reactors", "0"], USAGE, "weft serve: --reactors.*0"),
    ([*SERVE, "1G", "--reactors", "many"], USAGE, "weft serve: .*many"),
    ([*SERVE, "1G", "--spin", "2s"], USAGE, 'weft serve: --spin: "2s": must be auto, always or microseconds, 1000000 at most'),
    ([*SERVE, "1G", "--log-level", "loud"], USAGE, "weft serve: --log-level loud: must be trace, debug"),
    ([*SERVE, "much"], USAGE, 'weft serve: export "much": no size'),
    ([*SERVE, "tape:1G"], USAGE, 'weft serve: export "tape:1G": "tape" must be ramdisk, file, block or null'),
    ([*SERVE, "1G,size=2G"], USAGE, 'weft serve: export "1G,size=2G": unknown option "size"; ramdisk knows'),
    ([*SERVE, "./none.img"], FAILED, 'weft serve: export "./none.img": there is no such file; file:./none.img,size='),
    ([*SERVE, "file:/none.img"], FAILED, 'weft serve: export "file:/none.img": .* add ,size=10G to make it'),
    ([*SERVE, "/"], USAGE, 'weft serve: export "/": it must be a regular file or a block device'),
    ([*SERVE, "900000T"], FAILED, 'weft serve: export "900000T": a RAM disk of .* does not fit'),
    ([*SERVE, "16M,block_size=4095"], FAILED, 'weft serve: export "16M,block_size=4095": .*4095'),
    ([*SERVE, "1G", "--listen", "0.0.0.0:4420"], USAGE, "weft serve: --listen 0.0.0.0:4420: .*--hosts NQN"),
    ([*SERVE, "1G", "--listen", "[::]:4420"], USAGE, r"weft serve: --listen \[::\]:4420: .*--hosts NQN"),
    ([*SERVE, "1G", "--listen", "localhost:4420"], USAGE, 'weft serve: --listen: address "localhost": .*numeric'),
    ([*SERVE, "1G", "--listen", "127.0.0.1"], USAGE, 'weft serve: --listen: address "127.0.0.1": .*HOST:PORT'),
    ([*SERVE, "1G", "--nqn", "disk"], USAGE, 'weft serve: --nqn "disk": must be nqn.YYYY-MM'),
    ([*SERVE, "1G", "--hosts", "all"], USAGE, 'weft serve: --hosts "all": must be nqn.YYYY-MM'),
    ([*SERVE, "1G", "--advertise", "here"], USAGE, 'weft serve: --advertise "here" must be ADDRESS:SERVICE'),
    ([*SERVE, "1G", "--listen", "127.0.0.1:0", "--print-config"], USAGE, "weft serve: --listen 127.0.0.1:0: .*number"),
    (RUN, USAGE, "weft run: there is no command: write it behind --"),
    ([*RUN, "1G", "--"], USAGE, "weft run: there is no command: write it behind --"),
    ([*RUN, "much", "--", "true"], USAGE, 'weft run: export "much": no size'),
    ([*RUN, "--listen", "0.0.0.0:0", "--", "true"], USAGE, "weft run: --listen 0.0.0.0:[0-9]*: .*--hosts NQN"),
    ([*RUN, "900000T", "--", "true"], FAILED, 'weft run: export "900000T": a RAM disk of .* does not fit'),
    ([WEFT, "tenant"], USAGE, "weft tenant: no action: must be create, delete, list or show; see weft tenant --help"),
    ([WEFT, "tenant", "move"], USAGE, 'weft tenant: "move": must be create, delete, list or show'),
    ([WEFT, "tenant", "create"], USAGE, "weft tenant create: nqn is required; see weft tenant create --help"),
    ([WEFT, "tenant", "create", "nqn.x", "--backend", "much"], USAGE, 'weft tenant create: export "much": no size'),
    ([WEFT, "tenant", "create", "nqn.x", "--backend", "./none.img"], FAILED, "weft tenant create: .*there is no such file"),
    ([WEFT, "set", "target"], USAGE, "weft set: value is required; see weft set --help"),
    ([WEFT, "ls", "--bogus"], USAGE, "weft ls: .*--bogus; see weft ls --help"),
    ([WEFT, "status"], FAILED, "weft status: .*/run/weftd.sock: no weftd answers there; start one"),
    ([WEFT, "read", "disk"], USAGE, 'weft read: "disk": it names no transport; it must be tcp://HOST'),
    ([WEFT, "read", "fc://x/nqn.x"], USAGE, 'weft read: "fc://x/nqn.x": "fc" is no transport of this host'),
    ([WEFT, "read", "tcp://[::1/nqn.x"], USAGE, 'weft read: "tcp://.*": its host or port is wrong'),
    ([WEFT, "read", "tcp://h:0/nqn.x"], USAGE, 'weft read: "tcp://h:0/nqn.x": its host or port is wrong'),
    ([WEFT, "read", "tcp://h/nqn.x?ns=0"], USAGE, 'weft read: .*what stands behind the "\\?" is no namespace'),
    ([WEFT, "read", "tcp://127.0.0.1"], USAGE, "weft read: tcp://127.0.0.1: it names no subsystem"),
    ([WEFT, "read", "tcp://127.0.0.1:1/nqn.x"], FAILED, "weft read: tcp 127.0.0.1:1: cannot connect: Connection refused"),
    ([WEFT, "read", "tcp://h/nqn.x", "--length", "much"], USAGE, 'weft read: --length "much": must be a size'),
    ([WEFT, "read", "tcp://127.0.0.1:1/nqn.x", "--hostid", "1"], USAGE, 'weft read: --hostid "1": must be a UUID'),
    ([WEFT, "write", "tcp://h/nqn.x", "/none"], FAILED, "weft write: /none: No such file"),
    ([WEFT, "copy", "tcp://127.0.0.1:1/nqn.x"], USAGE, "weft copy: destination is required; see weft copy --help"),
    ([WEFT, "log", "weather", "tcp://h/nqn.x"], USAGE, 'weft log: "weather": must be error, smart'),
    ([WEFT, "log", "smart", "tcp://h/nqn.x", "--bytes", "3"], USAGE, 'weft log: --bytes "3": must be a multiple of 4'),
    ([WEFT, "feature", "love", "tcp://h/nqn.x"], USAGE, 'weft feature: "love": must be an identifier'),
    ([WEFT, "discover", "tcp://127.0.0.1:1"], FAILED, "weft discover: tcp 127.0.0.1:1: cannot connect"),
    ([WEFTD, "--tree", "/none", "--check"], USAGE, "weftd: --check: --config FILE says what to look at; see"),
    ([WEFTD, "--most-reactors", "0"], USAGE, "weftd: --most-reactors.*0"),
    ([WEFTD, "--bogus"], USAGE, "weftd: .*; see weftd --help"),
    ([WEFTD, "--config", "/none.json", "--check"], FAILED, "weftd: /none.json: No such file"),
]


class WrongWords(Case):
    def refused(self, words, status, line):
        own = ["--log-level", "error", "--state-dir", self.state] if words[1:2] in (["serve"], ["run"]) else []
        if "--log-level" in words:
            own = own[2:]
        done = self.run_words(*words[:2], *own, *words[2:])
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(re.match(line, done.stderr), f"{done.stderr!r} is not {line!r}")

    def test_each(self):
        for words, status, line in CASES:
            with self.subTest(words=words[1:]):
                self.refused(words, status, line)

    def test_port_in_use(self):
        with socket.create_server((loopback(), 0)) as other:
            host, port = other.getsockname()
            self.refused([*SERVE, "1M", "--listen", f"{host}:{port}"], FAILED, f"weft serve: listen {host}:{port}: another")

    def test_an_address_of_another_machine(self):
        words = [*SERVE, "1M", "--listen", f"192.0.2.1:{free_port()}", "--hosts", "nqn.2026-01.io.example:host"]
        self.refused(words, FAILED, "weft serve: listen 192.0.2.1:[0-9]+: no interface of this machine has the address")

    def test_nothing_is_served_when_one_export_cannot_be_had(self):
        host, port = loopback(), free_port()
        words = [*SERVE, "1M", "900000T", "--listen", f"{host}:{port}"]
        self.refused(words, FAILED, 'weft serve: export "900000T": ')
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((host, port))


class Help(Case):
    def test_is_on_stdout(self):
        for words, part in (
            ([WEFT, "--help"], "Usage: weft COMMAND"),
            ([WEFT, "help"], "Usage: weft COMMAND"),
            ([WEFT, "serve", "--help"], "Usage: weft serve"),
            ([WEFT, "help", "serve"], "Usage: weft serve"),
            ([WEFT, "run", "--help"], "Usage: weft run"),
            ([WEFT, "help", "run"], "Usage: weft run"),
            ([WEFT, "help", "ls"], "Usage: weft ls"),
            ([WEFT, "tenant", "--help"], "Usage: weft tenant"),
            ([WEFT, "tenant", "create", "--help"], "Usage: weft tenant create"),
            ([WEFTD, "--help"], "Usage: weftd"),
            ([WEFT, "--version"], "weft 0"),
            ([WEFTD, "--version"], "weftd 0"),
        ):
            done = self.run_words(*words)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(part, done.stdout)


if __name__ == "__main__":
    unittest.main()
