#!/usr/bin/env python3
"""What people read and copy is right: the manual, the examples, the installed tree, the demonstration."""

import configparser
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nvme
from programs import BIN, ROOT, WEFT, WEFTD, Case, Program, free_port

HOST_COMMANDS = "attach attached detach bench discover identify log feature read write compare copy zeroes discard flush".split()
PAGES = sorted((ROOT / "docs/man").iterdir())


def options_of_help(*words):
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"^  (?:-h,)?--([a-z-]+)", text, re.MULTILINE)) - {"help", "version"}


class Manual(Case):
    def test_tables_are_those_of_the_programs(self):
        done = self.run_words(ROOT / "scripts/update-manual", "--check")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        page = (ROOT / "docs/man/weft.json.5").read_text()
        for topic in ("attributes", "plugins"):
            for line in self.run_words(WEFT, "help", topic).stdout.splitlines():
                self.assertIn(line.partition("\t")[0].rpartition(" ")[2], page)

    def test_options_are_those_of_the_programs(self):
        for words, name in (
            ([WEFT, "serve"], "weft-serve.1"),
            ([WEFT, "run"], "weft-run.1"),
            ([WEFTD], "weftd.8"),
            ([WEFT, "status"], "weft-status.1"),
            ([WEFT, "doctor"], "weft-doctor.1"),
            *(([WEFT, name], f"weft-{name}.1") for name in ("ls", "get", "set", "mkdir", "rmdir", "ln", "rm")),
            *(([WEFT, name], f"weft-{name}.1") for name in ("save", "restore", "import", "export")),
            *(([WEFT, name], f"weft-{name}.1") for name in HOST_COMMANDS),
        ):
            page = (ROOT / "docs/man" / name).read_text()
            options = options_of_help(*words, "--help")
            self.assertGreater(len(options), 0)
            written = set(re.findall(r"(?:Fl|,) -([a-z-]+)", page)) - {"help", "version"}
            self.assertEqual(written - options, set(), f"{name} names options that are not there")
            self.assertEqual(options - written, set(), f"{name} lacks options")

    def test_each_command_has_its_page(self):
        commands = re.findall(r"^  ([a-z]+) ", self.run_words(WEFT, "help").stdout, re.MULTILINE)
        self.assertIn("tenant", commands)
        pages = {page.name for page in PAGES}
        self.assertEqual({name for name in commands if f"weft-{name}.1" not in pages}, {"help"})
        page = (ROOT / "docs/man/weft-tenant.1").read_text()
        for action in ("create", "delete", "list", "show"):
            for option in options_of_help(WEFT, "tenant", action, "--help"):
                self.assertIn(f".It Fl -{option}", page)

    def test_pages_name_each_other_and_no_others(self):
        own = {page.name for page in PAGES}
        for page in PAGES:
            for name, section in re.findall(r"^\.Xr (\S+) (\d)", page.read_text(), re.MULTILINE):
                if name.startswith("weft"):
                    self.assertIn(f"{name}.{section}", own, page.name)
            self.assertTrue(page.read_text().startswith(".Dd "), page.name)


class Examples(Case):
    def test_configurations_are_right(self):
        paths = sorted((ROOT / "examples").glob("*.json"))
        self.assertGreaterEqual(len(paths), 3)
        for path in paths:
            done = self.run_words(WEFTD, "--check", "--config", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), path.name)
        page = (ROOT / "docs/man/weft.json.5").read_text()
        example = page.partition(".Bd -literal\n")[2].partition("\n.Ed")[0].replace("uuid:...", "uuid:1")
        (self.folder / "page.json").write_text(json.dumps(json.loads(example)))
        done = self.run_words(WEFTD, "--check", "--config", self.folder / "page.json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_service(self):
        unit = configparser.RawConfigParser(strict=True)
        unit.optionxform = str
        unit.read(ROOT / "examples/weft.service")
        for key in ("ExecStartPre", "ExecStart"):
            program, *words = unit["Service"][key].split()
            self.assertEqual(program, "/usr/local/sbin/weftd")
            given = {word[2:] for word in words if word.startswith("--")}
            self.assertLessEqual(given, options_of_help(WEFTD, "--help"))

    def test_demonstration(self):
        environment = {
            "WEFT_BIN_DIR": str(BIN),
            "WEFT_DEMO_DISK": str(self.folder / "demo.img"),
            "WEFT_DEMO_LISTEN": f"127.0.0.1:{free_port()}",
        }
        words = [ROOT / "scripts/run-demo", "--json", "--state-dir", self.state]
        program = Program(self, *words, environment=environment)
        said = json.loads(program.line())
        place = said["addresses"][0]
        with nvme.Controller((place["traddr"], int(place["trsvcid"])), said["nqn"]) as controller:
            self.assertEqual(controller.namespaces(), [1, 2])
            with controller.io_queue() as queue:
                queue.write(0, b"demo" * 128, nsid=2)
        self.assertEqual(program.end()[0], 0)
        self.assertEqual((self.folder / "demo.img").read_bytes()[:4], b"demo")


class Install(Case):
    def test_tree(self):
        environment = {"DESTDIR": str(self.folder)}
        done = self.run_words("cmake", "--install", BIN.parent, "--prefix", "/usr", environment=environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        there = {str(path.relative_to(self.folder / "usr")) for path in self.folder.rglob("*") if path.is_file()}
        wanted = {"bin/weft", "sbin/weftd", "include/weft/host.h", "lib/libweft-host.a", "lib/pkgconfig/weft-host.pc"}
        wanted |= {f"share/man/man{page.suffix[1:]}/{page.name}" for page in PAGES}
        wanted |= {f"share/doc/weft/examples/{path.name}" for path in (ROOT / "examples").iterdir()}
        self.assertEqual(there, wanted)
        for program in ("bin/weft", "sbin/weftd"):
            path = self.folder / "usr" / program
            self.assertTrue(os.access(path, os.X_OK))
            self.assertEqual(self.run_words(path, "--version").stdout.split()[0], pathlib.Path(program).name)


if __name__ == "__main__":
    unittest.main()
