"""What became of each fault, and the table of all."""

import time


class Result:
    """One fault.  Used as `with`: what fails inside is part of the result, and ends the bed."""

    def __init__(self, kind, what, tell):
        self.kind, self.what, self.tell = kind, what, tell
        self.flows_after = self.pause = 0.0
        self.verified = 0
        self.lost, self.leaked, self.failed, self.surprises = [], [], {}, []
        self.error = None
        self.note = ""

    def __enter__(self):
        self.began = time.monotonic()
        return self

    def __exit__(self, kind, value, trace):
        if value is not None and isinstance(value, Exception):
            self.error = f"{kind.__name__}: {value}".strip()
        self.tell(self)

    @property
    def problems(self):
        found = [f"lost: {each}" for each in self.lost[:3]] + [f"leaked: {each}" for each in self.leaked]
        found += [f"hosts saw {each} ({self.failed[each]} times)" for each in self.surprises]
        return found + ([self.error] if self.error else [])

    @property
    def line(self):
        seconds = f"I/O again after {self.flows_after:.1f} s, longest pause {self.pause:.1f} s"
        extra = "".join(f", {count} x {name}" for name, count in sorted(self.failed.items()))
        end = f"{seconds}, {self.verified} verified{extra}{', ' + self.note if self.note else ''}"
        return f"{self.kind}: {self.what}: {'; '.join(self.problems) if self.problems else end}"


COLUMNS = ["kind", "times", "survived", "commands verified", "longest pause", "lost", "leaked"]


def rows(results):
    kinds = {}
    for result in results:
        row = kinds.setdefault(
            result.kind, {"kind": result.kind, "times": 0, "survived": 0, "verified": 0, "pause": 0.0, "lost": 0, "leaked": 0}
        )
        row["times"] += 1
        row["survived"] += not result.problems
        row["verified"] += result.verified
        row["pause"] = max(row["pause"], result.pause)
        row["lost"] += len(result.lost)
        row["leaked"] += len(result.leaked)
    return [kinds[kind] for kind in sorted(kinds)]


def table(results, skipped):
    lines = [COLUMNS]
    for row in rows(results):
        pause = f"{row['pause']:.1f} s"
        lines.append([row["kind"], row["times"], row["survived"], row["verified"], pause, row["lost"], row["leaked"]])
    total = rows([Together(result) for result in results])
    for row in total:
        lines.append(["all", row["times"], row["survived"], row["verified"], f"{row['pause']:.1f} s", row["lost"], row["leaked"]])
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(COLUMNS))]
    text = [
        "  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width) for i, (cell, width) in enumerate(zip(line, widths)))
        for line in lines
    ]
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text + [f"not done: {kind}: {why}" for kind, why in sorted(skipped.items())])


class Together:
    """A result under the name of all."""

    kind = "all"

    def __init__(self, result):
        self.__dict__.update({name: getattr(result, name) for name in ("problems", "verified", "pause", "lost", "leaked")})
