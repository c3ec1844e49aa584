"""Starts, stops and kills the real programs for the end-to-end tests.

Every program listens on port 0 and tells its address in its ready line; every directory is temporary. Waiting is always
for an event (a line, an exit) with a deadline, never for time to pass. UNIRUST_BIN_DIR says where the programs are,
UNIRUST_SLOWNESS how much slower than a release build they run (sanitizers).
"""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from generic_client import Client

REPO = Path(__file__).resolve().parents[2]
BIN_DIR = Path(os.environ.get("UNIRUST_BIN_DIR", REPO / "build/release/bin"))
SLOWNESS = float(os.environ.get("UNIRUST_SLOWNESS", "1"))
START_TIMEOUT = 30 * SLOWNESS
RUN_TIMEOUT = 120 * SLOWNESS
LOCAL = "127.0.0.1:0"

# Exit codes of base/exit_codes.h.
OK, FAILURE, USAGE, INPUT, UNAVAILABLE, DATA_DIR, DATA_LOSS, STORAGE = range(8)


def environment(**more):
    """The test's environment without what would change the programs: proxies and UNIRUST_* settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("UNIRUST_") and not k.lower().endswith("_proxy")}
    return {**kept, **more}


@contextlib.contextmanager
def temp_dir():
    path = Path(tempfile.mkdtemp(prefix="unirust-test-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def command(program, *args):
    """The command line; the kernel kills the program when the test that started it dies."""
    guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    return [*guard, str(BIN_DIR / program), *map(str, args)]


def run(program, *args, stdin=None, env=None, expect=None, timeout=None):
    """Runs a program to its end. `expect`: the exit code that it must have."""
    done = subprocess.run(
        command(program, *args), input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True, env=environment(**(env or {})), timeout=timeout or RUN_TIMEOUT)
    if expect is not None and done.returncode != expect:
        raise AssertionError(
            f"{program} {' '.join(map(str, args))}: exit code {done.returncode}, not {expect}\n"
            f"{done.stdout.decode(errors='replace')[-2000:]}\n{done.stderr.decode(errors='replace')[-4000:]}")
    return done


def unirust(*args, expect=OK, **more):
    return run("unirust", *args, expect=expect, **more)


class Died(AssertionError):
    """A daemon that ended before it was ready: its exit code, and what it wrote to standard error."""

    def __init__(self, title, code, stderr):
        super().__init__(f"{title}: no ready line, exit {code}\n{stderr}")
        self.code, self.stderr = code, stderr


class Program:
    """A daemon, running from construction until stop() or kill(). `prefix`: a command that becomes it."""

    def __init__(self, program, *args, env=None, prefix=()):
        self.title = f"{program} {' '.join(map(str, args))}"
        self.lines, self.address = [], None
        self._ready = threading.Event()
        self._stderr = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*prefix, *command(program, *args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self._stderr, env=environment(**(env or {})))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            text = line.decode(errors="replace").rstrip("\n")
            self.lines.append(text)
            found = re.match(r"\S+(?: serve)? ready (\S+:\d+)", text)
            if found:
                self.address = found.group(1)
                self._ready.set()
        self._ready.set()  # end of output: the program is gone

    def wait_ready(self):
        self._ready.wait(START_TIMEOUT)
        if self.address is None:
            self.kill()
            fault = Died(self.title, self.process.returncode, self.stderr())
            self.__exit__()
            raise fault
        return self

    def wait_exit(self, timeout=None):
        """The exit code of a program that ends by itself."""
        code = self.process.wait(timeout or START_TIMEOUT)
        self._reader.join()
        return code

    def stop(self):
        """SIGTERM: drains and exits with 0."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.wait_exit()
        if code != 0:
            raise AssertionError(f"{self.title}: exit code {code} after SIGTERM\n{self.stderr()}")
        self.__exit__()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()

    def running(self):
        return self.process.poll() is None

    def stderr(self):
        return self.log().decode(errors="replace")[-8000:]

    def log(self, start=0):
        """Standard error from a byte on. The program writes where it was: no seek."""
        file = self._stderr.fileno()
        return os.pread(file, os.fstat(file).st_size - start, start)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.process.stdout.close()
        self._stderr.close()


def start(program, *args, env=None, prefix=()):
    """A daemon that has printed its ready line."""
    return Program(program, *args, env=env, prefix=prefix).wait_ready()


class Store:
    """A running store with a client. `way`: "router" (shard and router daemons), "serve" (one process), or "shard": as
    "router", but the client talks to the shard. Commands of `unirust` go to `address` always."""

    def __init__(self, way, data_dir, *shard_args, env=None):
        self.way, self.data_dir, self.shard_args, self.env = way, Path(data_dir), shard_args, env
        self.programs, self.client = [], None
        self.start()

    def start(self):
        args = ["--listen", LOCAL, "--data-dir", self.data_dir, *self.shard_args]
        try:
            if self.way == "serve":
                self.programs = [start("unirust", "serve", *args, env=self.env)]
            else:
                self.programs = [start("unirust_shard", *args, "--shard-id", "0", env=self.env)]
                self.programs.append(
                    start("unirust_router", "--listen", LOCAL, "--shards", self.programs[0].address, env=self.env))
            self.client = Client(self.programs[0 if self.way == "shard" else -1].address, timeout=RUN_TIMEOUT)
        except BaseException:
            self.kill()
            raise

    @property
    def address(self):
        """Of the router."""
        return self.programs[-1].address

    def stop(self):
        self._close_client()
        for program in reversed(self.programs):
            program.stop()
        self._forget()

    def restart(self):
        self.stop()
        self.start()

    def kill(self):
        """SIGKILL, the storing program first."""
        for program in self.programs:
            program.kill()
        self._close_client()
        self._forget()

    def _close_client(self):
        if self.client is not None:
            self.client.close()
            self.client = None

    def _forget(self):
        for program in self.programs:
            program.__exit__()
        self.programs = []

    def stderr(self):
        return "\n".join(f"--- {p.title}\n{p.stderr()}" for p in self.programs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


class E2eTest(unittest.TestCase):
    """A test with a temporary directory of its own and programs that end with it."""

    maxDiff = 4000

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.dir = self.stack.enter_context(temp_dir())

    def store(self, way="serve", *shard_args, data_dir=None):
        return self.stack.enter_context(Store(way, data_dir or self.dir / "data", *shard_args))

    def write(self, name, content):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


def shared_data(name):
    """A data set that lies next to the repository; skips the test where it is absent."""
    path = REPO.parent / "shared" / "data" / name
    if not (path / "records.jsonl").exists():
        raise unittest.SkipTest(f"the data set {name} is not next to this repository (../shared/data/{name})")
    return path
