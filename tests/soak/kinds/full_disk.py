"""The file system below a sparse file fills up.  Writes that need room fail with Capacity Exceeded, what is there can be read and
written all the time, and when there is room again all goes on."""

import time

from bed import Bed
from machine import missing_mounts, small_disk
from programs import wait_for

NAME = "full disk"
DISK_MIB = 40
LEFT_BYTES = 1 << 20


def missing():
    return missing_mounts("tmpfs")


def run(soak):
    # Each file is full but once.
    while soak.goes_on():
        kind = soak.dice.choice(["tmpfs", "tmpfs" if missing_mounts("ext4") else "ext4"])
        bed = Bed(soak, NAME, {"fd_buffered_io": soak.dice.choice("01")})
        try:
            small_disk(bed, bed.folder / "small", kind, DISK_MIB)
        except BaseException:
            bed.stack.close()
            raise
        bed.move_disk(bed.folder / "small/disk")
        filler = bed.folder / "small/filler"
        with bed, bed.fault(f"{kind} is full", fails="write 0:81"):
            fill(filler)
            before = bed.failures_of("write 0:81")
            wait_for(lambda: bed.failures_of("write 0:81") > before + 5, "writes that find no room")
            time.sleep(soak.dice.uniform(0, 0.5))
            filler.unlink()


def fill(filler):
    """Leaves a little: the disk has to find out by itself."""
    written = 0
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                written += file.write(bytes(1 << 16))
        except OSError:
            pass
        file.truncate(max(0, written - LEFT_BYTES))
