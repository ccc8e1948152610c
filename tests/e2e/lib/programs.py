"""Starting weft and weftd in tests, and ending them: no process, no file is left behind."""

import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("WEFT_BIN_DIR", ROOT / "build/release/bin"))
WEFT, WEFTD = str(BIN / "weft"), str(BIN / "weftd")
PATIENCE = 60  # seconds; sanitizers and a busy machine are slow


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE} s in vain for {what}"
        time.sleep(0.01)
    return value


def loopback():
    """An address of the loopback that no other test has: its port 8009 is free."""
    return f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"


def free_port(host="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class Program:
    """A program that serves until it is told to end.  Its stderr is a file: nothing blocks for a reader."""

    def __init__(self, case, *words, environment=None, stdin=subprocess.DEVNULL):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [str(word) for word in words],
            stdout=subprocess.PIPE,
            stderr=self.log,
            stdin=stdin,
            text=True,
            env=case.environment(environment),
        )
        case.addCleanup(self.kill)

    def line(self):
        """The next line of stdout; the log when there is none."""
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait(PATIENCE)}: {self.errors()}"
        return line.rstrip("\n")

    def errors(self):
        # The program writes at the offset that this file has here: it must not move.
        file = self.log.fileno()
        return os.pread(file, os.fstat(file).st_size, 0).decode()

    def wait_for_error(self, text):
        """Until the log has the text: the program writes it behind what it does."""
        wait_for(lambda: text in self.errors(), f'"{text}" in the log')

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        """Tells it to end; returns the status and what was left on stdout."""
        self.send(number)
        out, _ = self.process.communicate(timeout=PATIENCE)
        if self.process.returncode not in (0, -number):
            print(self.errors(), file=sys.stderr)
        return self.process.returncode, out

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        self.log.close()


class Case(unittest.TestCase):
    """A test with a folder of its own, in which the programs keep their state."""

    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.state = self.folder / "state"
        self.socket = self.folder / "run/weftd.sock"

    def environment(self, more=None):
        """Of programs: what runs in the test is found in its folder, and nothing else is."""
        return {**os.environ, "RUNTIME_DIRECTORY": str(self.folder / "run"), **(more or {})}

    def run_words(self, *words, environment=None, **more):
        return subprocess.run(
            [str(word) for word in words],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            env=self.environment(environment),
            **more,
        )

    def serve(self, *words):
        """weft serve --json; returns the program and what it said."""
        program = Program(self, WEFT, "serve", "--json", "--state-dir", self.state, *words)
        return program, json.loads(program.line())

    def weftd(self, document, *words):
        """weftd with a document (a dictionary or text); it listens when this returns."""
        path = self.folder / "weft.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        program = Program(self, WEFTD, "--config", path, "--state-dir", self.state, *words)
        return program, path


def address_of(said, place=0):
    where = said["addresses"][place]
    return where["traddr"], int(where["trsvcid"])


def document(nqn, port, host="127.0.0.1", control=None, plugin="rd_mcp", name="disk"):
    """A configuration with one subsystem of one namespace that any host may use."""
    traddr = f"[{host}]" if ":" in host else host
    return {
        "version": 1,
        "target": {"core": {f"{plugin}_1": {name: {"control": control or {"size": "16M"}}}}},
        "nvmet": {
            "subsystems": {
                nqn: {
                    "attr_allow_any_host": 1,
                    "namespaces": {"1": {"device": f"target/core/{plugin}_1/{name}"}},
                    "ports": {f"tcp:{traddr}:{port}": {}},
                }
            }
        },
    }
