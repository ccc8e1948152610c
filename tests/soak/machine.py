"""What this machine lets a test do: mounts, network namespaces, control groups.  Each is undone by `case.addCleanup`; each
missing_* says why it cannot be done, or None."""

import os
import pathlib
import subprocess
import tempfile


def command(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.returncode}")
    return done.stdout


class Scope:
    """A place for what must be undone, when there is no bed."""

    def __init__(self):
        self.undo = []

    def addCleanup(self, *call):
        self.undo.append(call)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for does, *words in reversed(self.undo):
            does(*words)


def missing(does):
    """Tries it, and undoes it."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        with Scope() as scope:
            does(scope)
    except OSError as error:
        return str(error)
    return None


def quietly(*words):
    subprocess.run([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


# --- mounts


def small_disk(case, folder, kind, mib):
    """A file system of its own: tmpfs, or ext4 in a file."""
    folder.mkdir()
    if kind == "tmpfs":
        command("mount", "-t", "tmpfs", "-o", f"size={mib}m", "weft-soak", folder)
    else:
        image = folder.with_suffix(".image")
        image.touch()
        os.truncate(image, mib << 20)
        command("mkfs.ext4", "-q", "-F", "-m", "0", image)
        command("mount", "-o", "loop", image, folder)
    case.addCleanup(quietly, "umount", "-l", folder)


def missing_mounts(kind):
    def does(scope):
        with tempfile.TemporaryDirectory() as folder:
            try:
                small_disk(scope, pathlib.Path(folder) / "disk", kind, 8)
            finally:
                quietly("umount", "-l", f"{folder}/disk")

    return missing(does)


# --- networks


class Wire:
    """Two network namespaces and the wire between them."""

    NEAR, FAR = "10.77.0.1", "10.77.0.2"

    def __init__(self, case):
        self.near, self.far = f"weft-soak-{os.getpid()}-n", f"weft-soak-{os.getpid()}-f"
        for namespace in (self.near, self.far):
            command("ip", "netns", "add", namespace)
            case.addCleanup(quietly, "ip", "netns", "del", namespace)
        command("ip", "-n", self.near, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", self.far)
        for namespace, address in ((self.near, self.NEAR), (self.far, self.FAR)):
            command("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", "wire")
            for link in ("lo", "wire"):
                command("ip", "-n", namespace, "link", "set", link, "up")

    def within(self, namespace):
        return ["ip", "netns", "exec", namespace]

    def set(self, namespace, state):
        command("ip", "-n", namespace, "link", "set", "wire", state)

    def disturb(self, *how):
        for namespace in (self.near, self.far):
            command(*self.within(namespace), "tc", "qdisc", "add", "dev", "wire", "root", "netem", *how)

    def leave_alone(self):
        for namespace in (self.near, self.far):
            command(*self.within(namespace), "tc", "qdisc", "del", "dev", "wire", "root")


def missing_wire():
    return missing(Wire)


def missing_netem():
    return missing(lambda scope: Wire(scope).disturb("delay", "1ms"))


# --- control groups


class MemoryGroup:
    """A control group for one process, of either version, and all the memory that it takes from its start on."""

    def __init__(self, case):
        unified = pathlib.Path("/sys/fs/cgroup")
        second = (unified / "cgroup.controllers").exists()
        root = unified if second else unified / "memory"
        self.root, self.folder = root, root / f"weft-soak-{os.getpid()}"
        self.folder.mkdir()
        case.addCleanup(self.remove)
        self.limit = self.folder / ("memory.max" if second else "memory.limit_in_bytes")
        self.used = self.folder / ("memory.current" if second else "memory.usage_in_bytes")
        if not self.limit.exists():
            raise OSError(f"{self.limit}: there is none")

    def within(self):
        return ["sh", "-c", f'echo $$ >{self.folder}/cgroup.procs && exec "$@"', "sh"]

    def use(self):
        return int(self.used.read_text())

    def allow(self, count):
        """Beyond what it has; less than can be freed is refused."""
        self.limit.write_text(str(count))

    def remove(self):
        for pid in (self.folder / "cgroup.procs").read_text().split():
            (self.root / "cgroup.procs").write_text(pid)
        self.folder.rmdir()


def missing_memory_group():
    return missing(MemoryGroup)
