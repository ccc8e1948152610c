"""A running weftd without a tree, and weft's commands and plain HTTP for its socket."""

import http.client
import json
import socket

import nvme
from programs import WEFT, WEFTD, Case, Program, free_port, wait_for

NQN = "nqn.2026-01.io.example:disks"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("weft", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Commands(Case):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def start(self, *words):
        program = Program(self, WEFTD, "--tree", "none", "--state-dir", self.state, *words)
        wait_for(lambda: self.listens() or program.process.poll() is not None, "the socket")
        self.assertIsNone(program.process.poll(), program.errors())
        return program

    def listens(self):
        """The socket is there some time before it is what it should be and takes connections."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def weft(self, *words, status=0, **more):
        done = self.run_words(WEFT, *words, **more)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr if status else done.stdout

    def ask(self, method, target, body=None):
        connection = UnixConnection(self.socket)
        connection.request(method, target, json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    def ask_for_the_end(self, *words):
        code, answer = self.ask(*words)
        if code != 202:
            return code, answer
        operation = lambda: self.ask("GET", answer["href"])[1]
        wait_for(lambda: operation()["done"], "the end of the operation")
        return operation()["status"], operation()["result"]

    def status(self):
        return json.loads(self.weft("status", "--json"))

    def create(self, nqn=NQN, *more, status=0):
        words = ["--backend", "16M", "--port", f"tcp:127.0.0.1:{self.port}", "--host", nvme.HOST]
        return self.weft("tenant", "create", nqn, *words, *more, status=status)
