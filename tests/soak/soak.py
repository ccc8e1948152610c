#!/usr/bin/env python3
"""Chaos on the real thing: weftd under verified load while processes are killed and stopped, disks fill up, files vanish, networks
are cut, and descriptors and memory run out.  One table in the end; status 1 when something was lost, leaked or never came back.
docs/soak.md says what is done and what must hold."""

import argparse
import importlib
import json
import pathlib
import random
import signal
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e/lib")]

import results

KINDS = [
    "kill",
    "stop",
    "full_disk",
    "fault_filter",
    "power_loss",
    "cut",
    "netem",
    "descriptors",
    "memory",
    "vanish",
    "shrink",
    "hang",
    "hang_fs",
    "linux_host",
]
LAST = "linux_host"  # it boots a machine of its own
LAST_SHARE, LAST_LEAST = 0.3, 80  # of the time; seconds
LONGEST_TURN = 40  # seconds of one kind, until the next has its turn


class Soak:
    def __init__(self, seconds, seed, out):
        self.end = time.monotonic() + seconds
        self.dice = random.Random(seed)
        self.out = out
        self.results, self.skipped, self.broken = [], {}, []
        self.turn_ends, self.is_first = self.end, True

    def say(self, text):
        print(text, file=self.out, flush=True)

    def begin(self, kind, what):
        return results.Result(kind, what, self.tell)

    def tell(self, result):
        self.results.append(result)
        self.say(f"{'BAD ' if result.problems else ''}{result.line}")

    def show_logs(self, bed):
        for name in ("weftd", "load"):
            if program := getattr(bed, name, None):
                self.say(f"--- end of the log of {name}:\n{program.errors()[-3000:]}")

    def goes_on(self, seconds=0):
        """Whether a kind may begin one more fault in its turn, which takes as long."""
        first, self.is_first = self.is_first, False
        return first or time.monotonic() + seconds < self.turn_ends

    def turns(self):
        number = self.dice.randrange(2)
        while self.goes_on():
            yield number
            number += 1

    def turn(self, kind, seconds):
        self.turn_ends, self.is_first = time.monotonic() + seconds, True
        told = len(self.results)
        try:
            kind.run(self)
        except Exception as error:
            # What went wrong within a fault is told there.
            if not any(result.error for result in self.results[told:]):
                self.broken.append(f"{kind.NAME}: {error}")
                self.say(f"BAD {kind.NAME}: {''.join(traceback.format_exception(error))}")

    def run(self, kinds):
        for kind in list(kinds):
            if why := getattr(kind, "missing", lambda: None)():
                self.skipped[kind.NAME] = why
                kinds.remove(kind)
        last = [kind for kind in kinds if kind.__name__.endswith(LAST)]
        now = time.monotonic()
        self.rounds([kind for kind in kinds if kind not in last], self.end - (self.end - now) * LAST_SHARE if last else self.end)
        for kind in last:
            self.turn(kind, max(LAST_LEAST, self.end - time.monotonic()))

    def rounds(self, kinds, end):
        count = 0
        while kinds and (count == 0 or time.monotonic() < end):
            for done, kind in enumerate(self.dice.sample(kinds, len(kinds))):
                left = end - time.monotonic()
                if count and left <= 0:
                    break
                self.turn(kind, min(LONGEST_TURN, left / (len(kinds) - done)))
            count += 1

    def is_good(self):
        return not self.broken and all(not result.problems for result in self.results)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180, help="how long; each kind has one turn at least (%(default)s)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of what is done when")
    parser.add_argument("--only", action="append", choices=KINDS, metavar="KIND", help=f"one of {', '.join(KINDS)}; may be given again")
    parser.add_argument("--json", action="store_true", help="print the table as JSON; progress goes to the standard error")
    options = parser.parse_args()
    # Whatever was mounted and made is undone on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    soak = Soak(options.seconds, options.seed, sys.stderr if options.json else sys.stdout)
    soak.say(f"seed {options.seed}")
    soak.run([importlib.import_module(f"kinds.{name}") for name in options.only or KINDS])
    if options.json:
        print(json.dumps({"seed": options.seed, "kinds": results.rows(soak.results), "skipped": soak.skipped, "good": soak.is_good()}))
    else:
        print(f"\n{results.table(soak.results, soak.skipped)}")
    problems = soak.broken + [f"{result.kind}: {result.what}: {each}" for result in soak.results for each in result.problems]
    for each in problems:
        soak.say(f"BAD {each}")
    return 0 if soak.is_good() and soak.results else 1


if __name__ == "__main__":
    sys.exit(main())
