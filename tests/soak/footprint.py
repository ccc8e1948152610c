"""What a process holds: descriptors, threads, memory, and what it has left in a folder."""

import os
import pathlib
import time

RSS_BYTES = 24 << 20  # what caches of the allocator and of threads may come to
SETTLE_SECONDS = 10


def tasks(pid):
    """Its threads; the kernel's own for io_uring come and go."""
    names = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            names.append((task / "comm").read_text().strip())
        except OSError:
            pass  # it has ended
    return sum(not name.startswith("iou-") for name in names)


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid):
    found = []
    for each in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(each))
        except OSError:
            pass
    return found


class Footprint:
    def __init__(self, pid, folder=None):
        self.pid, self.folder = pid, folder
        self.descriptors = descriptors(pid)
        self.threads = tasks(pid)
        self.resident = resident(pid)
        self.files = {str(path) for path in folder.rglob("*")} if folder else set()

    def beyond(self, base):
        """What this has and the earlier one had not; empty: nothing."""
        found = []
        if len(self.descriptors) > len(base.descriptors):
            kinds = lambda names: [name.split(":")[0] for name in names]
            more = {k: kinds(self.descriptors).count(k) - kinds(base.descriptors).count(k) for k in set(kinds(self.descriptors))}
            more = {kind: count for kind, count in more.items() if count > 0}
            found.append(f"{len(self.descriptors) - len(base.descriptors)} descriptors ({more})")
        if self.threads > base.threads:
            found.append(f"{self.threads - base.threads} threads")
        if self.resident > base.resident + RSS_BYTES:
            found.append(f"{(self.resident - base.resident) >> 20} MiB")
        if self.files - base.files:
            found.append(f"files {sorted(self.files - base.files)[:5]}")
        return found


def leaked(pid, folder, base, seconds=SETTLE_SECONDS):
    """What the process still holds beyond the base once it had time to let go."""
    end = time.monotonic() + seconds
    while (found := Footprint(pid, folder).beyond(base)) and time.monotonic() < end:
        time.sleep(0.1)
    return found
