"""The NVMe host of a Linux kernel in a virtual machine writes and verifies, while its target is killed, started again and stopped,
and its network is slow, lossy or cut.  tests/real_host/soak.sh does it; its faults are in the same table."""

import os
import pathlib
import shutil
import subprocess
import time

from programs import BIN

NAME = "Linux host"
SCENARIO = pathlib.Path(__file__).resolve().parents[2] / "real_host/soak.sh"
CACHE = pathlib.Path(os.environ.get("LINUX_HOST_CACHE", pathlib.Path.home() / ".cache/linux-host"))
BOOT_SECONDS = 30
LEAST_SECONDS = 100  # for one more boot


def kernels():
    return [name for name in ("6.1", "6.12") if (CACHE / "kernels" / name / "initrd").exists()]


def missing():
    if not shutil.which("qemu-system-x86_64"):
        return "needs qemu-system-x86_64"
    return None if kernels() else "no kernel is built: tests/real_host/harness/build-image 6.1 6.12"


def run(soak):
    while soak.goes_on(LEAST_SECONDS):
        kernel = soak.dice.choice(kernels())
        # Half of what is left, so that both kernels have their turn; at the least some faults.
        left = soak.turn_ends - time.monotonic()
        seconds = max(20, int(left / 2 if left > 300 else left) - BOOT_SECONDS)
        soak.say(f"{NAME}: kernel {kernel}, {seconds} s")
        scenario = subprocess.Popen(
            [SCENARIO, kernel, str(seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "WEFT_BIN_DIR": str(BIN)},
        )
        said = []
        with scenario:
            for line in scenario.stdout:
                if line.startswith("soak|"):
                    told(soak, kernel, line.strip().split("|")[1:])
                else:
                    said.append(line)
        assert scenario.returncode == 0, f"status {scenario.returncode}: {''.join(said[-60:])}"


def told(soak, kernel, fields):
    kind, what, commands, pause, leaked, error = fields
    with soak.begin(f"{NAME}, {kind}", f"{what}, kernel {kernel}") as result:
        result.verified, result.pause = int(commands), float(pause)
        result.flows_after = result.pause
        result.leaked = [] if leaked == "0" else [f"descriptors and threads: {leaked}"]
        if "verify" in error:
            result.lost = [error]
        elif error:
            raise AssertionError(error)
