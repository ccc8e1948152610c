"""Programs that take commands by standard input: the load, and weftd with filters above its backends."""

import json
import queue
import subprocess
import threading
import time

from programs import BIN, Program

HERE = BIN.parent / "tests/soak"
LOAD, FILTERED_WEFTD = str(HERE / "weft_soak_load"), str(HERE / "weft_filtered_weftd")
DEPTH, JOBS, MIB = 8, 4, 16


class Steered(Program):
    def __init__(self, case, *words, **more):
        super().__init__(case, *words, stdin=subprocess.PIPE, **more)

    def tell(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def ask(self, words):
        self.tell(words)
        answer = self.line()
        assert answer == "ok", f"{words}: {answer}"


class Load(Steered):
    """Verified load on a target; see load.cc.  A thread of this process reads what it says."""

    def __init__(self, case, target, *options, before=(), patience=60):
        super().__init__(case, *before, LOAD, target, *options)
        self.patience = patience
        self.ended, self.wrong = queue.SimpleQueue(), []
        self.report, self.longest_gap = None, 0.0
        self.lock = threading.Lock()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        case.addCleanup(self.reader.join)
        case.addCleanup(self.kill_alone)
        assert self.wait_for_end("open"), self.errors()

    def kill_alone(self):
        if self.process.poll() is None:
            self.process.kill()

    def read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if "wrong" in said and isinstance(said["wrong"], str):
                self.wrong.append(said["wrong"])
            if "each" in (now := said.get("now", said)):
                with self.lock:
                    self.report = now
                    self.longest_gap = max(self.longest_gap, now["gap"])
            if "ended" in said:
                self.ended.put(said["ended"])
        self.ended.put(None)

    def wait_for_end(self, words, patience=None):
        try:
            return self.ended.get(timeout=patience or self.patience) == words
        except queue.Empty:
            raise AssertionError(f"the load still waits for its commands after {words}") from None

    def do(self, words, patience=None):
        self.tell(words)
        assert self.wait_for_end(words, patience), f"the load ended: {self.errors()}"

    def done(self):
        return list(self.report["each"])

    def failures(self):
        return sum(self.report["failed"].values())

    def flows_from(self, before):
        """Whether each job has ended more than what may have been under way."""
        return all(now > then + DEPTH for now, then in zip(self.done(), before))

    def take_gap(self):
        with self.lock:
            gap, self.longest_gap = self.longest_gap, 0.0
        return gap

    def wait_until_it_flows(self, patience):
        began, before = time.monotonic(), self.done()
        while not self.flows_from(before):
            assert self.process.poll() is None, f"the load ended: {self.errors()}"
            assert time.monotonic() - began < patience, f"no I/O again within {patience} s"
            time.sleep(0.05)
        return time.monotonic() - began

    def wait_until_nothing_fails(self, patience, seconds):
        """For so long."""
        began = time.monotonic()
        while True:
            before = self.failures()
            time.sleep(seconds)
            if self.failures() == before:
                return time.monotonic() - began - seconds
            assert time.monotonic() - began < patience, f"it is mended, but commands fail: {self.report['failed']}"
