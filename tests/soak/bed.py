"""A weftd, verified load on it, and what is done to both: every fault is followed by the same questions."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import tempfile
import time

from footprint import Footprint, leaked
from programs import PATIENCE, WEFTD, document, free_port, wait_for
from steered import MIB, Load, Steered

NQN = "nqn.2026-01.io.example:soak"
WORK_SECONDS = 0.5  # of load between two faults
KEEP_ALIVE = 2  # seconds; short, so that what is longer costs little


class Bed:
    """With one file as disk.  Leave it by `with`: it ends what it has started and looks what was left."""

    def __init__(self, soak, kind, control=None, program=(WEFTD, "--tree", "none"), before=(), load_before=(), host="127.0.0.1"):
        self.soak, self.kind, self.host = soak, kind, host
        self.stack = contextlib.ExitStack()
        self.addCleanup = lambda *words, **more: self.stack.callback(*words, **more)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-soak-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.disk = self.folder / "disk"
        self.control = {"fd_dev_name": str(self.disk), "fd_dev_size": f"{MIB}M", "create": "1", **(control or {})}
        self.program, self.before, self.load_before = program, before, load_before
        self.port = free_port()
        self.document = document(NQN, self.port, host, self.control, "fileio")
        self.target = f"tcp://{host}:{self.port}/{NQN}?ns=1"
        self.end_statuses = {0}

    def move_disk(self, path):
        self.disk = path
        self.document["target"]["core"]["fileio_1"]["disk"]["control"]["fd_dev_name"] = str(path)

    def environment(self, more=None):
        return {**os.environ, "RUNTIME_DIRECTORY": str(self.folder / "run"), "TMPDIR": str(self.temporary), **(more or {})}

    def __enter__(self):
        try:
            self.write_document()
            self.start()
            self.load = Load(
                self, self.target, "--seed", self.soak.dice.randrange(1 << 20), "--keep-alive", KEEP_ALIVE, before=self.load_before
            )
            self.load.do("run")
            time.sleep(0.5)
            self.load.do("sweep")
            self.base = Footprint(self.pid, self.temporary)
            self.load.do("run")
        except BaseException:
            self.stack.close()
            raise
        return self

    def write_document(self):
        (self.folder / "weft.json").write_text(json.dumps(self.document))

    def start(self):
        words = [*self.before, *self.program, "--config", self.folder / "weft.json", "--state-dir", self.folder / "state"]
        self.weftd = Steered(self, *words)
        self.said = self.weftd.line()  # what it listens on

    @property
    def pid(self):
        return self.weftd.process.pid

    def kill(self):
        self.weftd.send(signal.SIGKILL)
        self.weftd.process.wait()

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.end()
            else:
                self.soak.show_logs(self)
        finally:
            self.stack.close()

    def end(self):
        self.load.do("end")
        self.weftd.send(signal.SIGTERM)
        status = self.weftd.process.wait(PATIENCE)
        assert status in self.end_statuses, f"weftd ended with {status}: {self.weftd.errors()[-2000:]}"
        left = [str(path) for path in [*self.temporary.rglob("*"), *(self.folder / "run").rglob("*")] if not path.is_dir()]
        assert not left, f"weftd left {left}"

    @contextlib.contextmanager
    def fault(self, what, patience=30, fails=None, loses=None):
        """Around what is done and how it is mended.  `fails`: the failures that hosts may see, a pattern; `loses`: how
        the load must be told what is lost for good, before it looks."""
        load = self.load
        failed, wrong, done = dict(load.report["failed"]), len(load.wrong), sum(load.done())
        load.take_gap()
        result = self.soak.begin(self.kind, what)
        with result:
            yield result
            result.flows_after = load.wait_until_it_flows(patience)
            result.flows_after += load.wait_until_nothing_fails(patience, WORK_SECONDS)
            assert self.weftd.process.poll() is None, f"weftd ended with {self.weftd.process.returncode}"
            if loses:
                loses()
            load.do("sweep")
            result.pause, result.verified = load.take_gap(), sum(load.done()) - done
            result.lost = load.wrong[wrong:]
            more = {name: count - failed.get(name, 0) for name, count in load.report["failed"].items()}
            result.failed = {name: count for name, count in more.items() if count}
            result.surprises = [name for name in result.failed if not (fails and re.fullmatch(fails, name))]
            result.leaked = leaked(self.pid, self.temporary, self.base)
            load.do("run")

    def failures_of(self, pattern):
        return sum(count for name, count in self.load.report["failed"].items() if re.fullmatch(pattern, name))

    def until(self, condition, what):
        wait_for(condition, what)
