"""A copy of this machine that boots, for tests of what is installed on one.

Its root is an overlay over `/` in memory, its systemd a real one (systemd-nspawn), its network a loopback interface of
its own: so packages can be installed and default ports used, and nothing is left on this machine. None of the services
of this machine run there. Needs root, systemd-container and overlays; elsewhere the test is skipped.
"""
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from harness import RUN_TIMEOUT, START_TIMEOUT

# Its process is the first of a PID namespace, and all others end with it. They are in a cgroup of their own.
BOOT = r"""
set -eu
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
  if [ -w "$hierarchy/cgroup.procs" ]; then
    mkdir "$hierarchy/${1##*/}"
    echo 0 >"$hierarchy/${1##*/}/cgroup.procs"
  fi
done
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
rm -rf lib/systemd/system/*.wants etc/systemd/system/* usr/sbin/policy-rc.d
exec systemd-nspawn --quiet --directory="$1/root" --bind-ro="$2:/mnt" --private-network --keep-unit --register=no \
  --link-journal=no --console=pipe --machine=unirust-test --boot
"""


def child(number):
    return Path(f"/proc/{number}/task/{number}/children").read_text().split()[0]


def descendant(number, name):
    """The first child, of the first child and so on, that is called so; None if there is none."""
    try:
        while Path(f"/proc/{number}/comm").read_text() != f"{name}\n":
            number = child(number)
        return number
    except (OSError, IndexError):
        return None


class Machine:
    """`shared`: the directory that it sees as /mnt."""

    def __init__(self, shared):
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root can boot a copy of this machine")
        for program in ("systemd-nspawn", "unshare", "nsenter", "setpriv"):
            if not shutil.which(program):
                raise unittest.SkipTest(f"{program} is not installed")
        self._mount_point = tempfile.mkdtemp(prefix="unirust-machine-")
        self._output = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child",
             "sh", "-c", BOOT, "sh", self._mount_point, str(shared)],
            stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT)
        try:
            self._enter = ["nsenter", "--target", self._wait_for_init(), "--mount", "--uts", "--ipc", "--net", "--pid",
                           "--cgroup", "--root", "--wd"]
            self.run("systemctl", "is-system-running", "--wait", expect=None)
            self.run("systemctl", "start", "systemd-journald.service")
        except BaseException:
            self.__exit__()
            raise

    def _wait_for_init(self):
        """The number of its first process, as this machine sees it."""
        deadline = time.monotonic() + START_TIMEOUT
        while self._process.poll() is None and time.monotonic() < deadline:
            number = descendant(self._process.pid, "systemd")
            if number and subprocess.run(["nsenter", "--target", number, "--mount", "--root", "test", "-S",
                                          "/run/systemd/private"], stderr=subprocess.DEVNULL).returncode == 0:
                return number
            time.sleep(0.05)
        self._output.seek(0)
        raise unittest.SkipTest("a copy of this machine does not boot: "
                                + self._output.read().decode(errors="replace")[-1000:])

    def run(self, *args, expect=0, stdin=""):
        """Runs a command to its end, as root there; what it says, both outputs together."""
        done = subprocess.run(
            [*self._enter, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
             "SYSTEMD_PAGER=", *map(str, args)],
            input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RUN_TIMEOUT)
        if expect is not None and done.returncode != expect:
            journal = self.run("journalctl", "--lines=40", expect=None)
            raise AssertionError(f"{' '.join(map(str, args))}: exit code {done.returncode}\n{done.stdout[-4000:]}\n"
                                 f"{journal}")
        return done.stdout

    def succeeds(self, *args):
        """Whether the command does so within the deadline; it is tried again and again."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            done = subprocess.run([*self._enter, *args], stdin=subprocess.DEVNULL, capture_output=True)
            if done.returncode == 0:
                return True
            time.sleep(0.1)
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.kill(int(child(self._process.pid)), signal.SIGKILL)  # unshare ends when all of them have
        except (OSError, IndexError):
            self._process.kill()
        self._process.wait()
        self._output.close()
        name = Path(self._mount_point).name
        for root in (*Path("/sys/fs/cgroup").glob(name), *Path("/sys/fs/cgroup").glob(f"*/{name}")):
            for directory, _, _ in os.walk(root, topdown=False):
                os.rmdir(directory)
        os.rmdir(self._mount_point)
