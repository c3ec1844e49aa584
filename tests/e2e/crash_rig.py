"""A store that is killed, with the process that sends to it and its judge: what the phases of a campaign act on."""
import json
import queue
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc

import feed
import harness
from cluster import Cluster
from crash_judge import Judge
from harness import LOCAL, SLOWNESS, Died, Program

PATIENCE = 60 * SLOWNESS  # seconds until what must happen has happened
POLL = 0.002


class OneStore:
    """A store in one process, or behind a router. It comes back at another address."""

    def __init__(self, directory, way, *flags):
        self.directory, self.way = directory, way
        self.args = ["--listen", LOCAL, "--data-dir", directory / "data", "--memory-budget", "64MiB", *flags]
        self.programs = []

    def launch(self, env=None):
        """The storing process, perhaps not ready yet."""
        return Program("unirust", "serve", *self.args, env=env) if self.way == "serve" else Program(
            "unirust_shard", *self.args, env=env)

    def start(self, env=None):
        self.programs = [self.launch(env).wait_ready()]
        if self.way == "router":
            self.programs.append(harness.start("unirust_router", "--listen", LOCAL, "--shards", *self.addresses))

    def restart(self, _, env=None):
        self.kill()
        self.start(env)

    @property
    def addresses(self):
        return [self.programs[-1].address]

    def program(self, _=0):
        return self.programs[0]

    def kill(self):
        for program in self.programs:
            program.__exit__()
        self.programs = []


class Parts:
    """A store of several parts and routers, whose numbers follow those of the parts; each comes back at its address."""

    ROUTERS = 2

    def __init__(self, directory, parts, *flags):
        self.directory, self.parts, self.flags = directory, parts, flags
        self.cluster = None

    def start(self):
        self.directory.mkdir(exist_ok=True)
        self.cluster = Cluster(self.directory, self.parts, *self.flags, routers=self.ROUTERS)

    def restart(self, number, env=None):
        self.program(number).__exit__()
        if number >= self.parts:
            self.cluster.restart_router(number - self.parts)
        else:
            self.cluster.restart(number, env)

    @property
    def addresses(self):
        return [router.address for router in self.cluster.routers]

    def program(self, number):
        if number >= self.parts:
            return self.cluster.routers[number - self.parts]
        return self.cluster.program(number)

    def await_readable(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            self.check_running()
            try:
                return list(self.cluster.client.call("GetDigest"))
            except grpc.RpcError as fault:
                if fault.code() not in feed.LOST or time.monotonic() > deadline:
                    raise
            time.sleep(POLL)

    def check_running(self):
        for number in range(self.parts):
            if not self.program(number).running():
                code = self.program(number).wait_exit()
                raise AssertionError(f"part {number} has ended: exit code {code}\n{self.program(number).stderr()}")

    def kill(self):
        if self.cluster is not None:
            self.cluster.kill()


class SenderProcess:
    """sender.py, and what it reports."""

    def __init__(self, journal, seed):
        program = str(Path(__file__).parent / "sender.py")
        self.process = subprocess.Popen(
            [sys.executable, program, "--journal", str(journal), "--seed", str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reports = queue.SimpleQueue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.reports.put(json.loads(line))

    def command(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def wait(self, what):
        """Until it reports that something is done."""
        while True:
            try:
                report = self.reports.get(timeout=2 * PATIENCE)
            except queue.Empty:
                raise AssertionError(f"{what} does not end") from None
            if "fault" in report:
                raise AssertionError(f"the sender: {report['fault']}")
            if report["done"] == what:
                return

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()


class Rig:
    """Everything of one group of cycles, below one directory."""

    def __init__(self, phase, seed, directory):
        self.phase, self.seed, self.directory = phase, seed, directory
        self.rng = random.Random(f"{phase.name} {seed}")
        self.journal_path = directory / "journal"
        if phase.parts > 1:
            self.store = Parts(directory / "parts", phase.parts, *phase.flags)
        else:
            flags = [f.format(directory=directory) for f in phase.flags]
            self.store = OneStore(directory, ("serve", "router")[seed % 2], *flags)
        self.sender = SenderProcess(self.journal_path, seed)
        self.judge = Judge(self.journal_path)
        self.began = self.acknowledged = 0  # the last request before this cycle; acknowledgements before it
        self.kills = self.hits = self.unacknowledged = 0
        self.points = {}  # name -> kills
        self.log_read = self.begun = self.ended = 0  # of the log of this life: bytes; what it told of
        self.copies_judged = 0  # the last backup

    # --- the store

    def set_up(self):
        self.store.start()
        for what in self.phase.setup:
            self.once(what)

    def restart(self, number=0, env=None):
        """True if it is ready; False if it died at its fault point before."""
        self.log_read = self.begun = self.ended = 0
        try:
            self.store.restart(number, env)
            return True
        except Died as died:
            if env is None or not self.reached(died.code, died.stderr, env):
                raise
            return False

    def kill(self, number=0):
        self.store.program(number).kill()
        self.kills += 1

    def new_log(self):
        """Whole lines that the storing process has written since."""
        log = self.store.program().log(self.log_read)
        log = log[:log.rfind(b"\n") + 1]
        self.log_read += len(log)
        return log

    def reached(self, code, log, env):
        name = env["UNIRUST_ABORT_AT"].split(":")[0]
        return code == -9 and f"fault point reached name={name}\n" in log

    def await_death(self, number, env):
        """At the fault point of `env`, and nowhere else."""
        program = self.store.program(number)
        try:
            code = program.wait_exit(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{env['UNIRUST_ABORT_AT']} is never reached") from None
        if not self.reached(code, program.stderr(), env):
            raise AssertionError(f"{env['UNIRUST_ABORT_AT']}: exit code {code}\n{program.stderr()}")

    def count_point(self, point):
        name = point.split(":")[0]
        self.points[name] = self.points.get(name, 0) + 1
        self.kills += 1

    # --- requests

    def send(self):
        """A cycle begins."""
        journal = self.judge.journal.read()
        self.began, self.acknowledged = max(journal.sent, default=0), len(journal.acknowledged)
        self.sender.command(
            do="send", addresses=self.store.addresses, loops=self.phase.loops, again=self.phase.parts > 1)

    def sent_all(self, stop=False):
        """Until nothing is under way any more."""
        if stop:
            self.sender.command(do="stop")
        self.sender.wait("send")

    def once(self, what):
        self.sender.command(do="once", addresses=self.store.addresses, what=what)
        self.sender.wait("once")

    def new_sender(self):
        self.sender.kill()
        self.sender = SenderProcess(self.journal_path, self.seed)

    def under_way(self, *kinds):
        """Requests of this cycle that were sent and are not acknowledged."""
        journal = self.judge.journal.read()
        return [n for kind in kinds for n in journal.open(kind) if n > self.began]

    def until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline or not self.store.program(0).running():
                raise AssertionError(f"{what} does not come\n{self.store.program(0).stderr()}")
            time.sleep(POLL)

    def check(self):
        journal = self.judge.journal.read()
        missing = set(journal.numbers("ingest")) - set(journal.acknowledged) - self.judge.gone - self.judge.seen
        self.judge.check(self.rng.choice(self.store.addresses))
        self.unacknowledged += len(missing & self.judge.seen)

    def close(self):
        self.sender.kill()
        self.store.kill()
