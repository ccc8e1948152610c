#!/usr/bin/env python3
"""weft's commands for a running weftd, and its socket: tenants in one line, what is refused."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys

sys.path.insert(0, f"{__file__.rpartition('/')[0]}/lib")
import unittest

import nvme
from programs import BIN, ROOT, WEFT, WEFTD, Program, document, wait_for
from running import Commands, NQN


class Tenants(Commands):
    def test_a_tenant_from_one_line_to_its_end(self):
        program = self.start()
        disk = self.folder / "disk.img"
        self.create(NQN, "--backend", f"file:{disk},size=16M")
        address = ("127.0.0.1", self.port)
        with nvme.Controller(address, NQN) as controller, controller.io_queue() as queue:
            self.assertEqual(controller.namespaces(), [1, 2])
            queue.write(0, b"by command".ljust(512, b"."), nsid=2)
            queue.flush(nsid=2)
            self.assertEqual(disk.read_bytes()[:10], b"by command")
            self.assertEqual(self.weft("tenant", "list").split()[-4:], [NQN, "2", "1", "1"])
            shown = json.loads(self.weft("tenant", "show", NQN, "--json"))
            self.assertEqual([each["size"] for each in shown["namespaces"]], [str(16 << 20)] * 2)
            self.assertEqual(shown["ports"], [{"name": f"tcp:127.0.0.1:{self.port}", "enabled": True}])
            self.assertEqual(shown["hosts"], [nvme.HOST])
            self.assertEqual([each["cntlid"] for each in shown["controllers"]], [str(controller.cntlid)])
            self.assertEqual(shown["namespaces"][0]["uuid"].replace("-", ""), controller.identifiers(1)[1])
            text = self.weft("tenant", "show", NQN)
            self.assertIn("16 MiB", text)
            self.assertIn(shown["serial"], text)
        self.assertEqual(self.status()["devices"], {"all": 2, "open": 2, "opening": 0})
        self.weft("tenant", "delete", NQN)
        wait_for(lambda: not self.status()["goings_on"], "the end of what goes on")
        status = self.status()
        self.assertEqual((status["tenants"], status["devices"]["all"], status["listeners"]), (0, 0, []))
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(address)
        self.create()
        self.assertEqual(program.end()[0], 0, program.errors())
        self.assertFalse(self.socket.exists())

    def test_all_or_nothing(self):
        program = self.start()
        before = self.weft("get", "-r", "target")
        refused = self.create(NQN, "--port", "tcp:127.0.0.1:many", status=1)
        self.assertIn("must be a port number", refused)
        self.assertIn("nothing is changed", refused)
        with socket.create_server(("127.0.0.1", 0)) as other:
            refused = self.create(NQN, "--port", f"tcp:127.0.0.1:{other.getsockname()[1]}", status=1)
        self.assertIn("another socket", refused)
        self.assertEqual(self.weft("tenant", "list").split(), ["NQN", "NAMESPACES", "HOSTS", "PORTS"])
        self.assertEqual(self.weft("get", "-r", "target"), before)
        self.assertEqual(self.status()["listeners"], [])
        self.create()
        refused = self.create(status=1)
        self.assertIn("there is one already", refused)
        with nvme.Controller(("127.0.0.1", self.port), NQN) as controller:
            self.assertEqual(controller.namespaces(), [1], "what was there before is as it was")
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_a_deletion_that_is_refused_leaves_all_as_it_was(self):
        program = self.start()
        self.create()
        before = self.weft("get", "-r", "nvmet")
        path = f"nvmet/subsystems/{NQN}"
        steps = [{"op": "rmdir", "path": f"{path}/ports/tcp:127.0.0.1:{self.port}"}]
        steps.append({"op": "rm", "path": f"{path}/namespaces/1/{NQN}-1"})
        steps.append({"op": "rmdir", "path": f"{path}/namespaces/1"})
        steps.append({"op": "rmdir", "path": path})
        code, answer = self.ask_for_the_end("POST", "/v1/batch", {"operations": steps})
        self.assertEqual((code, answer["error"]["step"], answer["error"]["errno"]), (409, 3, "ENOTEMPTY"), answer)
        self.assertTrue(answer["undone"], answer)
        differing = set(before.splitlines()) ^ set(self.weft("get", "-r", "nvmet").splitlines())
        self.assertEqual({line for line in differing if "last_error" not in line}, set())
        with nvme.Controller(("127.0.0.1", self.port), NQN) as controller:
            self.assertEqual(controller.namespaces(), [1])
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_devices_that_others_link_stay(self):
        program = self.start()
        self.create()
        device = f"target/core/rd_mcp_1/{NQN}-1"
        self.weft("tenant", "create", f"{NQN}2", "--backend", device, "--any-host")
        self.weft("tenant", "delete", NQN)
        self.assertEqual(self.weft("get", f"{device}/enable"), "1\n")
        self.weft("tenant", "delete", f"{NQN}2", "--keep-devices")
        self.assertEqual(self.weft("get", f"{device}/enable"), "1\n")
        self.assertEqual(program.end()[0], 0, program.errors())


class Tree(Commands):
    def test_the_tree_by_commands(self):
        program = self.start()
        self.weft("mkdir", "-p", "/target/core/rd_mcp_1/disk")
        self.weft("mkdir", "-p", "/target/core/rd_mcp_1/disk")
        self.weft("set", "target/core/rd_mcp_1/disk/control", "size=16M")
        self.weft("set", "target/core/rd_mcp_1/disk/enable", "1")
        path = f"nvmet/subsystems/{NQN}"
        self.weft("mkdir", path, f"{path}/namespaces/ns_1", f"{path}/hosts/{nvme.HOST}", f"{path}/ports/tcp:127.0.0.1:{self.port}")
        self.weft("ln", "target/core/rd_mcp_1/disk", f"{path}/namespaces/ns_1/")
        self.weft("set", f"{path}/ports/tcp:127.0.0.1:{self.port}/enable", "1")
        with nvme.Controller(("127.0.0.1", self.port), NQN) as controller:
            self.assertEqual(controller.namespaces(), [1])
        self.assertEqual(self.weft("ls"), "kernel/\nlast_error\nnvmet/\nreactors\ntarget/\n")
        self.assertEqual(self.weft("get", f"{path}/namespaces/ns_1/disk"), "../../../../../target/core/rd_mcp_1/disk\n")
        self.assertIn(f"{path}/hosts/{nvme.HOST}/dhchap_key = \n", self.weft("get", "-r", path))
        self.assertRegex(self.weft("ls", "-l", f"{path}/namespaces/ns_1"), r"attribute +rw +readonly +0\n")
        self.assertEqual(json.loads(self.weft("ls", "--json", path))["path"], path)
        self.assertIn("must be a number from 1 to 128", self.weft("set", f"{path}/attr_qid_max", "129", status=1))
        self.assertIn("it is a directory; use weft rmdir", self.weft("rm", path, status=1))
        self.assertIn("it is no directory; use weft rm", self.weft("rmdir", f"{path}/namespaces/ns_1/disk", status=1))
        self.weft("rm", f"{path}/namespaces/ns_1/disk")
        self.weft("rmdir", "target/core/rd_mcp_1/disk", "target/core/rd_mcp_1")
        self.assertIn("there is no such file", self.weft("ls", "target/core/rd_mcp_1", status=1))
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_the_socket_beside_the_tree(self):
        if not os.path.exists("/dev/fuse"):
            self.skipTest("there is no /dev/fuse")
        program = Program(self, WEFTD, "--state-dir", self.state)
        root = self.folder / "run/tree"
        self.addCleanup(subprocess.run, ["umount", "-l", root], stderr=subprocess.DEVNULL, check=False)
        while program.line() != f"the configuration is at {root}":
            pass
        self.create()
        there = root / "nvmet/subsystems" / NQN / "namespaces/1" / f"{NQN}-1"
        self.assertTrue(os.path.samefile(there, root / "target/core/rd_mcp_1" / f"{NQN}-1"))
        (root / "nvmet/subsystems" / NQN / "attr_model").write_text("Loom\n")
        self.assertEqual(self.weft("get", f"nvmet/subsystems/{NQN}/attr_model"), "Loom\n")
        self.assertEqual(program.end()[0], 0, program.errors())


class Documents(Commands):
    def names(self):
        return {each["nqn"] for each in json.loads(self.weft("tenant", "list", "--json"))}

    def test_save_and_restore(self):
        self.start()
        other = NQN + "-other"
        self.create()
        self.create(other)
        whole = self.folder / "whole.json"
        self.weft("save", whole)
        self.assertEqual(whole.stat().st_mode & 0o777, 0o600)
        one = self.weft("save", "--tenant", NQN)
        self.assertEqual(list(json.loads(one)["nvmet"]["subsystems"]), [NQN])
        self.weft("tenant", "delete", NQN)
        part = self.folder / "one.json"
        part.write_text(one)
        self.weft("restore", "--beside", part)
        self.assertEqual(self.names(), {NQN, other})
        self.assertEqual(json.loads(self.weft("save")), json.loads(whole.read_text()))
        self.weft("restore", part)
        self.assertEqual(self.names(), {NQN})
        with nvme.Controller(("127.0.0.1", self.port), NQN):
            pass

    def test_what_cannot_be_restored(self):
        self.start()
        self.create()
        before = self.weft("save")
        path = self.folder / "bad.json"
        path.write_text('{"version": 1, "nvmet": {"subsystems": {"nqn.2026-01.x:a": {"attr_qid_max": 0}}}}')
        said = self.weft("restore", path, status=1)
        self.assertIn("nvmet/subsystems/nqn.2026-01.x:a: attr_qid_max: ", said)
        self.assertIn("nothing was changed", said)
        path.write_text("{")
        self.weft("restore", path, status=1)
        self.assertIn("no such tenant", self.weft("save", "--tenant", "nqn.none", status=1))
        self.assertIn("No such file", self.weft("restore", self.folder / "none", status=1))
        self.assertEqual(self.weft("save"), before)
        # One that is there in part: the rest is made.
        path.write_text(
            json.dumps(
                {
                    "version": 1,
                    "target": {"core": {"fileio_1": {"gone": {"control": {"fd_dev_name": str(self.folder / "gone")}}}}},
                    "nvmet": {"subsystems": {"nqn.2026-01.x:b": {"namespaces": {"1": {"device": "target/core/fileio_1/gone"}}}}},
                }
            )
        )
        self.assertIn("target/core/fileio_1/gone: ", self.weft("restore", "--beside", path, status=1))
        self.assertEqual(self.names(), {NQN, "nqn.2026-01.x:b"})

    def test_what_nvmetcli_saved(self):
        self.start()
        path = self.folder / "config.json"
        path.write_text((ROOT / "src/config/testdata/tcp.json").read_text())
        said = self.weft("import", path, status=1)  # its devices are not here
        self.assertIn("kernel/nvmet/subsystems/", said)
        exported = json.loads(self.weft("export"))
        self.assertEqual(
            {each["nqn"] for each in exported["subsystems"]},
            {each["nqn"] for each in json.loads(path.read_text())["subsystems"]},
        )


class Completion(Commands):
    def complete(self, line):
        script = 'source <(weft completion bash); COMP_LINE="$1"; COMP_POINT=${#1}; _weft; printf "%s\\n" "${COMPREPLY[@]}"'
        path = f"{BIN}:{os.environ['PATH']}"
        done = self.run_words("bash", "-c", script, "bash", line, environment={"PATH": path})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_bash(self):
        program = self.start()
        self.create()
        for line, wanted in (
            ("weft s", ["serve", "status", "set", "save"]),
            ("weft tenant ", ["create", "delete", "list", "show"]),
            ("weft tenant show ", [NQN]),
            ("weft help attr", ["attributes"]),
            ("weft completion ", ["bash", "zsh"]),
            ("weft ls n", ["nvmet/"]),
            ("weft ls /n", ["/nvmet/"]),
            ("weft ls nvmet/subsystems/", [f"nvmet/subsystems/{NQN}/"]),
            # bash takes what stands behind the colon for the word.
            (f"weft get nvmet/subsystems/{NQN}/attr_m", ["disks/attr_model"]),
            ("weft get nothing/h", []),
            ("weft set --so", ["--socket"]),
            ("weft tenant create --h", ["--help", "--host"]),
            ("weft tenant delete nqn.x --k", ["--keep-devices"]),
            (f"weft ls --socket {self.folder}/none n", []),
        ):
            with self.subTest(line=line):
                self.assertEqual(self.complete(line), wanted)
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_zsh_reads_it(self):
        if shutil.which("zsh") is None:
            self.skipTest("there is no zsh")
        script = 'autoload -U compinit && compinit -u -D; source <("$0" completion zsh); print $_comps[weft]'
        done = self.run_words("zsh", "-fc", script, WEFT)
        self.assertEqual((done.returncode, done.stdout), (0, "_weft\n"), done.stderr)


class Sockets(Commands):
    def test_modes(self):
        program = self.start()
        self.assertEqual(stat.S_IMODE(self.socket.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.socket.parent.stat().st_mode), 0o700)
        self.assertEqual(program.end()[0], 0)
        program = self.start("--socket-group", os.getgid())
        self.assertEqual(stat.S_IMODE(self.socket.stat().st_mode), 0o660)
        self.assertEqual(stat.S_IMODE(self.socket.parent.stat().st_mode), 0o750)
        self.assertEqual(program.end()[0], 0)

    def test_two_daemons(self):
        first = self.start()
        process = f"weftd (process {first.process.pid}) listens there"
        words = [WEFTD, "--state-dir", self.state, "--store", "none"]
        done = self.run_words(*words, "--socket", self.socket)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(process, done.stderr)
        # By default it is a warning: what the file says is served.
        second, _ = self.weftd(document(NQN, self.port))
        self.assertEqual(second.line(), f"listening on tcp:127.0.0.1:{self.port}")
        second.wait_for_error(process)
        self.assertEqual(second.end()[0], 0)
        self.assertEqual(self.status()["process"], first.process.pid)
        first.send(signal.SIGKILL)
        first.process.wait()
        self.assertTrue(self.socket.exists())
        self.assertIn("no weftd answers there", self.weft("status", status=1))
        third = Program(self, *words, "--tree", "none")
        wait_for(lambda: self.run_words(WEFT, "status").returncode == 0, "the third daemon's answer")
        self.assertEqual(third.end()[0], 0)

    def test_nothing_to_serve_and_no_way_to_change_that(self):
        done = self.run_words(WEFTD, "--state-dir", self.state, "--tree", "none", "--socket", "none")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no --config, and neither a tree nor a socket to make one", done.stderr)

    def examine(self, *words):
        done = json.loads(self.run_words(WEFT, "doctor", "--json", *words).stdout)
        return {each["what"]: each["state"] for each in done["findings"]}

    def test_the_doctor(self):
        found = self.examine("--store", self.folder / "none.db")
        self.assertEqual((found["io_uring"], found["weftd"], found["store"]), ("ok", "-", "-"))
        program = self.start()
        found = self.examine()
        self.assertEqual([found[each] for each in ("weftd", "reactors", "commands", "devices", "listeners")], ["ok"] * 5)
        self.assertNotIn("store", found, "weftd has it")
        self.assertRegex(self.weft("doctor"), r"(?m)^weftd +ok +process \d+$")
        broken = self.folder / "broken.json"
        broken.write_text('{"version": 1, "tea": 3}')
        said = self.run_words(WEFT, "doctor", "--config", broken)
        self.assertEqual(said.returncode, 1, said.stdout)
        self.assertRegex(said.stdout, r"(?m)^configuration +BAD +.*tea")
        self.assertEqual(program.end()[0], 0, program.errors())

    def test_another_socket(self):
        path = self.folder / "other/own.sock"
        program = Program(self, WEFTD, "--tree", "none", "--state-dir", self.state, "--socket", path)
        wait_for(lambda: self.run_words(WEFT, "status", "--socket", path).returncode == 0, "its answer")
        self.assertFalse(self.socket.exists())
        self.weft("status", environment={"WEFT_SOCKET": str(path)})
        self.assertEqual(program.end()[0], 0)

    def test_the_page(self):
        program = self.start()
        code, page = self.ask("GET", "/v1/openapi.json")
        self.assertEqual((code, page["openapi"]), (200, "3.0.3"))
        self.assertIn("/v1/status", page["paths"])
        self.assertEqual(program.end()[0], 0)


if __name__ == "__main__":
    unittest.main()
