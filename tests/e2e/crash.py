#!/usr/bin/env python3
"""weftd is killed at random moments of random changes, and each time comes back with exactly what it had acknowledged; of
the one change that each writer was waiting for, either way."""

import copy
import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

from programs import WEFTD, Case, Program, loopback

SKIPPED = 77
KILLS = 40 if os.environ.get("WEFT_SANITIZE") else 200
SEED = int(os.environ.get("WEFT_SEED") or random.randrange(1 << 32))
WRITERS = 4  # each with a tenant of its own
LONGEST_LIFE = 0.04  # seconds of changes before a kill, at most
DEAD = {errno.ENOTCONN, errno.ECONNABORTED, errno.EIO, errno.EINTR}  # what a call gets whose daemon was killed
CORE = "target/core/rd_mcp_1"
VALUES = {"attr_model": ["Weft", "M", "N"], "attr_qid_max": ["128", "3"], "param_mdts": ["8", "5", "1"]}
DEFAULTS = {name: values[0] for name, values in VALUES.items()}


class Died(Exception):
    """The daemon was killed while a call waited for it."""


class Files:
    """Calls on the mounted tree."""

    def __init__(self, root):
        self.root = root

    def call(self, function, *words):
        try:
            return function(*words)
        except OSError as error:
            if error.errno in DEAD:
                raise Died from error
            raise

    def path(self, path):
        return os.path.join(self.root, path)

    def mkdir(self, path):
        self.call(os.mkdir, self.path(path))

    def rmdir(self, path):
        self.call(os.rmdir, self.path(path))

    def symlink(self, path, target):
        self.call(os.symlink, target, self.path(path))

    def unlink(self, path):
        self.call(os.unlink, self.path(path))

    def write(self, path, value):
        file = self.call(os.open, self.path(path), os.O_WRONLY | os.O_TRUNC)
        try:
            self.call(os.write, file, f"{value}\n".encode())
        finally:
            try:
                os.close(file)
            except OSError:
                pass  # of a mount that is dead by now; the write was answered

    def read(self, path):
        with open(self.path(path), encoding="utf-8") as file:
            return file.read().rstrip("\n")

    def folders(self, path):
        with os.scandir(self.path(path)) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def link(self, path):
        with os.scandir(self.path(path)) as entries:
            name = next((entry.name for entry in entries if entry.is_symlink()), None)
        return (name, os.readlink(self.path(f"{path}/{name}"))) if name else None


class Tenant:
    """One tenant as a state, what can be done to it, and how it is seen in the tree."""

    def __init__(self, number, address, files, dice):
        self.nqn = f"nqn.2026-01.io.example:{number}"
        self.place = f"nvmet/subsystems/{self.nqn}"
        self.devices = [f"disk{number}a", f"disk{number}b"]
        self.ports = [f"tcp:{address}:{4420 + number}", f"tcp:{address}:4400", "loop"]  # 4400: all share it
        self.files, self.dice = files, dice
        self.state = {"devices": {}, "subsystem": None}
        self.maybe = None  # the state with the change that was not answered

    def changes(self):
        """(the state after it, a call, its words), each of which must succeed."""
        all_ = []

        def add(call, *words):
            after = copy.deepcopy(self.state)
            all_.append((after, call, words))
            return after

        files, place, dice = self.files, self.place, self.dice
        subsystem = self.state["subsystem"]
        linked = {space["device"] for space in (subsystem or {"namespaces": {}})["namespaces"].values()}
        for name in self.devices:
            path, device = f"{CORE}/{name}", self.state["devices"].get(name)
            if device is None:
                add(files.mkdir, path)["devices"][name] = {"alias": "", "pages": None, "enabled": False}
                continue
            alias = f"alias {dice.randrange(9)}"
            add(files.write, f"{path}/alias", alias)["devices"][name]["alias"] = alias
            if not device["enabled"]:
                pages = dice.choice([16, 32, 64])
                add(files.write, f"{path}/control", f"rd_pages={pages}")["devices"][name]["pages"] = pages
                if device["pages"]:
                    add(files.write, f"{path}/enable", "1")["devices"][name]["enabled"] = True
            if name not in linked:
                del add(files.rmdir, path)["devices"][name]
        if subsystem is None:
            empty = {"attributes": dict(DEFAULTS), "any": "0", "hosts": [], "namespaces": {}, "ports": {}}
            add(files.mkdir, place)["subsystem"] = empty
            return all_
        if not (subsystem["hosts"] or subsystem["namespaces"] or subsystem["ports"]):
            add(files.rmdir, place)["subsystem"] = None
        name = dice.choice(sorted(VALUES))
        value = dice.choice(VALUES[name])
        add(files.write, f"{place}/{name}", value)["subsystem"]["attributes"][name] = value
        if not subsystem["hosts"]:
            value = dice.choice("01")
            add(files.write, f"{place}/attr_allow_any_host", value)["subsystem"]["any"] = value
        for host in ("host-a", "host-b"):
            if host in subsystem["hosts"]:
                add(files.rmdir, f"{place}/hosts/{host}")["subsystem"]["hosts"].remove(host)
            elif subsystem["any"] == "0":
                after = add(files.mkdir, f"{place}/hosts/{host}")["subsystem"]
                after["hosts"] = sorted([*after["hosts"], host])
        self.changes_of_namespaces(subsystem, add)
        self.changes_of_ports(subsystem, add)
        return all_

    def changes_of_namespaces(self, subsystem, add):
        files, dice = self.files, self.dice
        enabled = [name for name, device in self.state["devices"].items() if device["enabled"]]
        for number in (1, 2):
            name = next((name for name in (f"{number}", f"ns_{number}") if name in subsystem["namespaces"]), None)
            if name is None:
                name = dice.choice([f"{number}", f"ns_{number}"])
                new = {"ana_grpid": "1", "readonly": "0", "link": None, "device": None}
                add(files.mkdir, f"{self.place}/namespaces/{name}")["subsystem"]["namespaces"][name] = new
                continue
            path, space = f"{self.place}/namespaces/{name}", subsystem["namespaces"][name]
            if space["link"]:
                after = add(files.unlink, f"{path}/{space['link'][0]}")["subsystem"]["namespaces"][name]
                after["link"] = after["device"] = None
                continue
            del add(files.rmdir, path)["subsystem"]["namespaces"][name]
            key, value = dice.choice([("ana_grpid", dice.choice("17")), ("readonly", dice.choice("01"))])
            add(files.write, f"{path}/{key}", value)["subsystem"]["namespaces"][name][key] = value
            if enabled:
                device = dice.choice(enabled)
                target = dice.choice(["../../../../../", "/somewhere/", ""]) + f"{CORE}/{device}"
                link = dice.choice([device, "1"])
                after = add(files.symlink, f"{path}/{link}", target)["subsystem"]["namespaces"][name]
                after["link"], after["device"] = (link, target), device

    def changes_of_ports(self, subsystem, add):
        files, dice = self.files, self.dice
        for name in self.ports:
            path, port = f"{self.place}/ports/{name}", subsystem["ports"].get(name)
            if port is None:
                add(files.mkdir, path)["subsystem"]["ports"][name] = {"enable": "0", "addr_advertise": ""}
                continue
            del add(files.rmdir, path)["subsystem"]["ports"][name]
            if name != "loop":
                value = dice.choice("01")
                add(files.write, f"{path}/enable", value)["subsystem"]["ports"][name]["enable"] = value
            if port["enable"] == "0" and not name.endswith(":4400"):
                value = dice.choice(["", "192.0.2.1:4420"])
                add(files.write, f"{path}/addr_advertise", value)["subsystem"]["ports"][name]["addr_advertise"] = value

    def run(self, failures):
        """Changes one thing after the other until the daemon dies."""
        try:
            while True:
                self.maybe, call, words = self.dice.choice(self.changes())
                call(*words)
                self.state, self.maybe = self.maybe, None
        except Died:
            pass
        except Exception as error:  # pylint: disable=broad-except
            failures.append(f"{self.nqn}: {call.__name__} {words}: {error}")

    def seen(self):
        files = self.files
        state = {"devices": {}, "subsystem": None}
        present = files.folders(CORE)
        for name in self.devices:
            if name in present:
                info = files.read(f"{CORE}/{name}/info")
                enabled = files.read(f"{CORE}/{name}/enable") == "1"
                device = {"alias": files.read(f"{CORE}/{name}/alias"), "enabled": enabled}
                state["devices"][name] = {**device, "info": info}
        if not os.path.exists(files.path(self.place)):
            return state
        spaces, ports = {}, {}
        for name in files.folders(f"{self.place}/namespaces"):
            path = f"{self.place}/namespaces/{name}"
            spaces[name] = {key: files.read(f"{path}/{key}") for key in ("ana_grpid", "readonly")}
            spaces[name]["link"] = files.link(path)
            spaces[name]["size"] = int(files.read(f"{path}/size"))
        for name in files.folders(f"{self.place}/ports"):
            path = f"{self.place}/ports/{name}"
            ports[name] = {key: files.read(f"{path}/{key}") for key in ("enable", "addr_advertise")}
        state["subsystem"] = {
            "attributes": {name: files.read(f"{self.place}/{name}") for name in VALUES},
            "any": files.read(f"{self.place}/attr_allow_any_host"),
            "hosts": files.folders(f"{self.place}/hosts"),
            "namespaces": spaces,
            "ports": ports,
        }
        return state

    def as_seen(self, state):
        """How this state must look in the tree."""
        state = copy.deepcopy(state)
        pages = {}
        for name, device in state["devices"].items():
            pages[name] = device.pop("pages")
            device["info"] = "Status: DEACTIVATED"
            if device["enabled"]:
                device["info"] = f"Status: ACTIVATED  SectorSize: 512  RAM disk, {pages[name] * 4} KiB, 0 B in memory"
        for space in (state["subsystem"] or {"namespaces": {}})["namespaces"].values():
            device = space.pop("device")
            space["size"] = pages[device] * 4096 if device else 0
        return state

    def settle(self, case, why):
        """What is there is what was acknowledged, with or without the last change: from here on that is known."""
        seen = self.seen()
        if self.maybe and seen == self.as_seen(self.maybe):
            for name, device in self.maybe["devices"].items():
                if not device["enabled"] and device["pages"] != self.state["devices"].get(name, device)["pages"]:
                    device["pages"] = None  # it cannot be read: either way until it is written again
            self.state = self.maybe
        self.maybe = None
        case.assertEqual(seen, self.as_seen(self.state), why)


class Crash(Case):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "tree"
        self.addCleanup(subprocess.run, ["umount", "-l", self.root], stderr=subprocess.DEVNULL, check=False)

    def start(self):
        return Program(self, WEFTD, "--tree", self.root, "--state-dir", self.state, "--log-level", "warning")

    def ready(self, program):
        while program.line() != f"the configuration is at {self.root}":
            pass

    def test_what_was_acknowledged_is_there_after_each_kill(self):
        print(f"WEFT_SEED={SEED}", file=sys.stderr)
        dice = random.Random(SEED)
        files, address = Files(self.root), loopback()
        tenants = [Tenant(number, address, files, random.Random(dice.random())) for number in range(WRITERS)]
        program = self.start()
        self.ready(program)
        os.mkdir(self.root / CORE)
        kills = changes = 0
        while kills < KILLS:
            failures = []
            writers = [threading.Thread(target=tenant.run, args=(failures,)) for tenant in tenants]
            for writer in writers:
                writer.start()
            time.sleep(dice.random() * LONGEST_LIFE)
            for _ in range(dice.choice([1, 1, 1, 2])):  # sometimes again while it starts
                program.send(signal.SIGKILL)
                program.process.wait()
                kills += 1
                for writer in writers:
                    writer.join()
                self.assertEqual(failures, [], f"WEFT_SEED={SEED}")
                program.kill()
                program = self.start()
                time.sleep(dice.random() * 0.01)
            self.ready(program)
            for tenant in tenants:
                tenant.settle(self, f"WEFT_SEED={SEED} after {kills} kills; {program.errors()}")
        # An end that was asked for is no different.
        self.assertEqual(program.end()[0], 0, program.errors())
        program = self.start()
        self.ready(program)
        for tenant in tenants:
            tenant.settle(self, f"WEFT_SEED={SEED} after the end")
        self.assertEqual(program.end()[0], 0, program.errors())


if __name__ == "__main__":
    if not os.path.exists("/dev/fuse"):
        print("skipped: there is no /dev/fuse")
        sys.exit(SKIPPED)
    unittest.main()
