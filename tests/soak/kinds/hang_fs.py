"""The file system below one disk never answers again, while hosts read from it.  Those of another disk notice nothing, and
weftd still ends when it is told to."""

import os
import signal
import subprocess
import time

from bed import NQN, Bed
from programs import BIN, WEFT, Program

NAME = "hanging file system"
HANG_FS = BIN.parent / "tests/hang_fs/weft_hang_fs"
READERS = 3
PAUSE_SECONDS = 1  # that hosts of the other disk may see; far more than they do


def missing():
    return None if os.path.exists("/dev/fuse") and os.geteuid() == 0 else "needs /dev/fuse, as root"


def run(soak):
    while soak.goes_on():
        bed = Bed(soak, NAME)
        files = bed.folder / "hanging"
        files.mkdir()
        hang_fs = Program(bed, HANG_FS, "io", files)
        assert hang_fs.line() == "ready"
        bed.addCleanup(subprocess.run, ["umount", "-l", files], stderr=subprocess.DEVNULL, check=False)
        # Direct reads of FUSE that hang cannot be ended, not even by the end of their process.
        hanging = {"control": {"fd_dev_name": f"{files}/0", "fd_buffered_io": "1"}}
        bed.document["target"]["core"]["fileio_1"]["hanging"] = hanging
        bed.document["nvmet"]["subsystems"][NQN]["namespaces"]["2"] = {"device": "target/core/fileio_1/hanging"}
        # 1: it could not flush what hangs, and says so.
        bed.end_statuses = {0, 1}
        with bed, bed.fault(f"{READERS} hosts wait for it") as result:
            hang_fs.send(signal.SIGUSR1)
            readers = [read(bed) for _ in range(READERS)]
            time.sleep(soak.dice.uniform(1, 3))
            assert all(reader.poll() is None for reader in readers), "it does not hang"
            bed.load.wait_until_it_flows(5)
            result.pause = bed.load.take_gap()
            assert result.pause < PAUSE_SECONDS, f"the other disk paused for {result.pause:.1f} s"
            if soak.dice.random() < 0.5:
                hang_fs.send(signal.SIGKILL)
                for reader in readers:
                    assert reader.wait(30) == 1, "what is gone was read"
                result.note = "then it was gone"
            for reader in readers:
                reader.kill()
                reader.wait()


def read(bed):
    words = [WEFT, "read", f"tcp://{bed.host}:{bed.port}/{NQN}?ns=2", "/dev/null"]
    reader = subprocess.Popen(words, env=bed.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    bed.addCleanup(reader.wait)
    bed.addCleanup(reader.kill)
    return reader
