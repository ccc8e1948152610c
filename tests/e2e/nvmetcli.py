#!/usr/bin/env python3
"""weftd --kernel-tree: the calls that nvmetcli makes for restore, save and clear, where nvmetcli makes them: at
/sys/kernel/config/nvmet, in a mount namespace of its own."""

import json
import os
import pathlib
import stat
import subprocess
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nvme
from programs import WEFTD, Case, Program, free_port, wait_for

SKIPPED = 77
INSIDE = "--inside"
ROOT = pathlib.Path("/sys/kernel/config/nvmet")
NQN = "nqn.2026-01.io.example:kernel"
ZERO = "00000000-0000-0000-0000-000000000000"


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def write(path, value):
    """Truncates, and writes once, without a newline."""
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CREAT)
    try:
        text = str(value).encode()
        assert os.write(descriptor, text) == len(text)
    finally:
        os.close(descriptor)


def folders(path):
    return sorted(each for each in os.listdir(path) if (path / each).is_dir() and not (path / each).is_symlink())


def links(path):
    return sorted(each for each in os.listdir(path) if (path / each).is_symlink())


def group(path, prefix):
    """The attributes that can be saved: the owner may write them."""
    all_of = {}
    for name in sorted(os.listdir(path)):
        mode = os.lstat(path / name).st_mode
        if name.startswith(prefix + "_") and stat.S_ISREG(mode) and mode & stat.S_IWUSR:
            all_of[name[len(prefix) + 1 :]] = read(path / name)
    return all_of


def store(path, prefix, values):
    for name, value in values.items():
        write(path / f"{prefix}_{name}", value)


def save_namespace(path):
    return {
        "nsid": int(path.name),
        "enable": int(read(path / "enable")),
        "device": group(path, "device"),
        "ana": group(path, "ana"),
        "resv": group(path, "resv"),
    }


def save():
    port = lambda path: {
        "portid": int(path.name),
        "addr": group(path, "addr"),
        "param": group(path, "param"),
        "subsystems": links(path / "subsystems"),
        "ana_groups": [
            {"grpid": int(name), "ana": group(path / "ana_groups" / name, "ana")} for name in folders(path / "ana_groups")
        ],
        "referrals": [
            {
                "name": name,
                "addr": group(path / "referrals" / name, "addr"),
                "enable": int(read(path / "referrals" / name / "enable")),
            }
            for name in folders(path / "referrals")
        ],
    }
    subsystem = lambda path: {
        "nqn": path.name,
        "attr": group(path, "attr"),
        "allowed_hosts": links(path / "allowed_hosts"),
        "namespaces": [save_namespace(path / "namespaces" / name) for name in folders(path / "namespaces")],
    }
    return {
        "discovery": group(ROOT, "discovery"),
        "hosts": [{"nqn": name, "dhchap": group(ROOT / "hosts" / name, "dhchap")} for name in folders(ROOT / "hosts")],
        "subsystems": [subsystem(ROOT / "subsystems" / name) for name in folders(ROOT / "subsystems")],
        "ports": [port(ROOT / "ports" / name) for name in folders(ROOT / "ports")],
    }


def restore_subsystem(its):
    path = ROOT / "subsystems" / its["nqn"]
    os.mkdir(path)
    for each in its["namespaces"]:
        below = path / "namespaces" / str(each["nsid"])
        os.mkdir(below)
        for prefix in ("device", "ana", "resv"):
            store(below, prefix, each[prefix])
        write(below / "enable", each["enable"])
    for host in its["allowed_hosts"]:
        os.symlink(ROOT / "hosts" / host, path / "allowed_hosts" / host)
    store(path, "attr", its["attr"])


def restore_port(its):
    path = ROOT / "ports" / str(its["portid"])
    os.mkdir(path)
    store(path, "addr", its["addr"])
    store(path, "param", its["param"])
    for nqn in its["subsystems"]:
        os.symlink(ROOT / "subsystems" / nqn, path / "subsystems" / nqn)
    for each in its["ana_groups"]:
        below = path / "ana_groups" / str(each["grpid"])
        if not below.is_dir():
            os.mkdir(below)
        store(below, "ana", each["ana"])
    for each in its["referrals"]:
        below = path / "referrals" / each["name"]
        os.mkdir(below)
        store(below, "addr", each["addr"])
        write(below / "enable", each["enable"])


def restore(config):
    store(ROOT, "discovery", config["discovery"])
    for host in config["hosts"]:
        os.mkdir(ROOT / "hosts" / host["nqn"])
        store(ROOT / "hosts" / host["nqn"], "dhchap", host["dhchap"])
    for its in config["subsystems"]:
        restore_subsystem(its)
    for its in config["ports"]:
        restore_port(its)


def clear():
    """Directories go with the attributes and the default groups that are inside."""
    for name in folders(ROOT / "ports"):
        path = ROOT / "ports" / name
        for nqn in links(path / "subsystems"):
            os.unlink(path / "subsystems" / nqn)
        for each in folders(path / "referrals"):
            os.rmdir(path / "referrals" / each)
        for each in folders(path / "ana_groups"):
            if each != "1":
                os.rmdir(path / "ana_groups" / each)
        os.rmdir(path)
    for name in folders(ROOT / "subsystems"):
        path = ROOT / "subsystems" / name
        for nsid in folders(path / "namespaces"):
            os.rmdir(path / "namespaces" / nsid)
        for host in links(path / "allowed_hosts"):
            os.unlink(path / "allowed_hosts" / host)
        os.rmdir(path)
    for name in folders(ROOT / "hosts"):
        os.rmdir(ROOT / "hosts" / name)


class Nvmetcli(Case):
    def setUp(self):
        super().setUp()
        self.tree = self.folder / "tree"
        self.addCleanup(self.unmount)
        self.port = free_port()
        self.disk = self.folder / "disk.img"
        with open(self.disk, "wb") as file:
            file.truncate(1 << 20)

    def unmount(self):
        for path in (ROOT, self.tree):
            subprocess.run(["umount", "-l", path], stderr=subprocess.DEVNULL, check=False)

    def start(self):
        program = Program(
            self, WEFTD, "--kernel-tree", ROOT, "--tree", self.tree, "--socket", "none", "--state-dir", self.state
        )
        while program.line() != f"the configuration in the layout of Linux nvmet is at {ROOT}":
            pass
        return program

    def config(self):
        return {
            "discovery": {"nqn": "nqn.2026-01.io.example:discovery"},
            "hosts": [{"nqn": nvme.HOST, "dhchap": {"hash": "hmac(sha256)", "dhgroup": "null"}}],
            "subsystems": [
                {
                    "nqn": NQN,
                    "attr": {
                        "allow_any_host": "0",
                        "cntlid_max": "100",
                        "cntlid_min": "7",
                        "model": "Linux",
                        "pi_enable": "0",
                        "serial": "123456789abcdef",
                        "version": "1.3",
                    },
                    "allowed_hosts": [nvme.HOST],
                    "namespaces": [
                        {
                            "nsid": 1,
                            "enable": 1,
                            "device": {
                                "path": str(self.disk),
                                "nguid": ZERO,
                                "uuid": "d592cdf3-5d1c-44e0-8412-3fcf7d99df27",
                            },
                            "ana": {"grpid": "2"},
                            "resv": {"enable": "0"},
                        }
                    ],
                }
            ],
            "ports": [
                {
                    "portid": 5,
                    "addr": {
                        "adrfam": "ipv4",
                        "traddr": "127.0.0.1",
                        "treq": "not specified",
                        "trsvcid": str(self.port),
                        "trtype": "tcp",
                        "tsas": "none",
                    },
                    "param": {"inline_data_size": "16384", "max_queue_size": "-1", "mdts": "0", "pi_enable": "0"},
                    "subsystems": [NQN],
                    "ana_groups": [{"grpid": 1, "ana": {"state": "optimized"}}, {"grpid": 2, "ana": {"state": "optimized"}}],
                    "referrals": [
                        {
                            "name": "far",
                            "enable": 1,
                            "addr": {
                                "adrfam": "ipv4",
                                "portid": "0",
                                "traddr": "192.0.2.9",
                                "treq": "not specified",
                                "trsvcid": "8009",
                                "trtype": "tcp",
                            },
                        }
                    ],
                }
            ],
        }

    def contains(self, whole, part, path=""):
        """What was restored is what is saved; more may be saved than was named."""
        if isinstance(part, dict):
            for key, value in part.items():
                self.assertIn(key, whole, path)
                self.contains(whole[key], value, f"{path}/{key}")
        elif isinstance(part, list):
            self.assertEqual(len(whole), len(part), path)
            for ours, theirs in zip(whole, part):
                self.contains(ours, theirs, path)
        else:
            self.assertEqual(whole, part, path)

    def test_restore_save_clear_and_again(self):
        program = self.start()
        self.assertEqual(sorted(os.listdir(ROOT)), ["discovery_nqn", "hosts", "last_error", "ports", "subsystems"])
        config = self.config()
        restore(config)
        saved = save()
        self.contains(saved, config)

        address = ("127.0.0.1", self.port)
        with nvme.Controller(address, NQN) as controller, controller.io_queue() as queue:
            queue.write(0, b"by the kernel's tree".ljust(512, b"."))
            self.assertEqual(controller.namespaces(), [1])
        # The same objects in the other layout.
        tenant = self.tree / "nvmet/subsystems" / NQN
        self.assertEqual(os.listdir(tenant / "hosts"), [nvme.HOST])
        self.assertEqual(read(tenant / f"ports/tcp:127.0.0.1:{self.port}/enable"), "1")
        self.assertEqual(os.readlink(ROOT / "ports/5/subsystems" / NQN), str(ROOT / "subsystems" / NQN))
        self.assertTrue(os.path.samefile(ROOT / "ports/5/subsystems" / NQN, ROOT / "subsystems" / NQN))

        for path in (ROOT / "ports/5", ROOT / "subsystems" / NQN):
            with self.assertRaises(OSError) as refused:
                os.rmdir(path)
            self.assertEqual(refused.exception.errno, 39, "ENOTEMPTY")
        with self.assertRaises(PermissionError):
            write(ROOT / "ports/5/addr_trsvcid", "1")

        clear()
        for folder in ("hosts", "subsystems", "ports"):
            self.assertEqual(os.listdir(ROOT / folder), [])
        self.assertEqual(os.listdir(self.tree / "nvmet/subsystems"), [])
        wait_for(lambda: not nvme_listens(address), "the listener to close")
        restore(json.loads(json.dumps(saved)))
        self.assertEqual(save(), saved)
        with nvme.Controller(address, NQN) as controller, controller.io_queue() as queue:
            self.assertEqual(queue.read(0, 512)[:20], b"by the kernel's tree")
        clear()
        self.assertEqual(program.end()[0], 0, program.errors())
        self.assertFalse(os.path.ismount(ROOT))

    def test_modes(self):
        program = self.start()
        config = self.config()
        restore(config)
        modes = {
            "hosts": 0o755,
            "discovery_nqn": 0o644,
            f"subsystems/{NQN}/attr_serial": 0o644,
            f"subsystems/{NQN}/last_error": 0o444,
            f"subsystems/{NQN}/namespaces/1/revalidate_size": 0o200,
            "ports/5/addr_traddr": 0o644,
            "ports/5/ana_groups/2/ana_state": 0o644,
        }
        for path, mode in modes.items():
            self.assertEqual(oct(stat.S_IMODE(os.lstat(ROOT / path).st_mode)), oct(mode), path)
        # What enable fails with is the errno of the open.
        os.mkdir(ROOT / "subsystems" / NQN / "namespaces/2")
        write(ROOT / "subsystems" / NQN / "namespaces/2/device_path", self.folder / "none")
        with self.assertRaises(FileNotFoundError):
            write(ROOT / "subsystems" / NQN / "namespaces/2/enable", 1)
        clear()
        self.assertEqual(program.end()[0], 0, program.errors())


def nvme_listens(address):
    try:
        nvme.discover(address)
    except OSError:
        return False
    return True


def enter():
    """Starts this test again where it may mount over /sys/kernel, or says why it cannot."""
    if not os.path.exists("/dev/fuse"):
        return "there is no /dev/fuse"
    if os.geteuid() != 0:
        return "only root may mount over /sys/kernel"
    unshared = ["unshare", "--mount", "--propagation", "private"]
    probe = subprocess.run([*unshared, "mount", "-t", "tmpfs", "tmpfs", "/sys/kernel"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        return f"no mount namespace of its own: {probe.stderr.strip()}"
    os.execvp(unshared[0], [*unshared, sys.executable, __file__, INSIDE, *sys.argv[1:]])


if __name__ == "__main__":
    if INSIDE not in sys.argv:
        print(f"skipped: {enter()}")
        sys.exit(SKIPPED)
    sys.argv.remove(INSIDE)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/sys/kernel"], check=True)
    os.makedirs(ROOT)
    unittest.main()
