#!/usr/bin/env python3
"""The Debian package: what is in it, and its life on a machine: installed, sandboxed, upgraded, removed."""
import json
import re
import shutil
import subprocess
import unittest

from harness import (BIN_DIR, DATA_DIR, DATA_LOSS, INPUT, REPO, RUN_TIMEOUT, UNAVAILABLE, USAGE, E2eTest, environment,
                     temp_dir, unirust)
from machine import Machine

EXAMPLE = "/mnt/example"
UNITS = ("unirust-shard@.service", "unirust-router.service")
SERVICES = ("unirust-shard@0.service", "unirust-router.service")
EXPOSURE_MAX = 15  # tenths, of `systemd-analyze security`


def build(out, **env):
    subprocess.run([REPO / "scripts/package", "--bin-dir", BIN_DIR, "--out", out], check=True, capture_output=True,
                   env=environment(**env), timeout=RUN_TIMEOUT)
    package, = out.glob("*.deb")
    return package


def dpkg_deb(*args):
    return subprocess.run(["dpkg-deb", *args], check=True, capture_output=True, text=True, timeout=RUN_TIMEOUT).stdout


def settings(unit):
    """[(name, value)] of a unit file, in order."""
    return re.findall(r"^(\w+)=(.*)$", (REPO / "deploy" / unit).read_text(), re.M)


class PackageTest(E2eTest):
    def test_contents_and_metadata(self):
        package = build(self.dir / "out")
        version = unirust("--version").stdout.decode().split()[1]
        field = {name: dpkg_deb("--field", package, name).strip()
                 for name in ("Package", "Version", "Architecture", "Depends", "Installed-Size")}
        self.assertEqual(package.name, f"unirust_{version}_{field['Architecture']}.deb")
        self.assertEqual((field["Package"], field["Version"]), ("unirust", version))
        self.assertRegex(field["Depends"], r"\blibc6 \(>= .*\blibgrpc\+\+")
        tree = self.dir / "tree"
        dpkg_deb("--raw-extract", package, tree)
        files = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
        self.assertEqual({f for f in files if f.startswith("usr/bin/")},
                         {f"usr/bin/{p}" for p in ("unirust", "unirust_shard", "unirust_router")})
        self.assertEqual({f for f in files if f.startswith("lib/")}, {f"lib/systemd/system/{unit}" for unit in UNITS})
        conffiles = {"etc/unirust/shard-0.toml", "etc/unirust/router.toml"}
        self.assertEqual({f for f in files if f.startswith("etc/")}, conffiles)
        self.assertEqual(set((tree / "DEBIAN/conffiles").read_text().split()), {f"/{f}" for f in conffiles})
        for name in ("docs/deployment.md", "docs/runbooks.md", "dashboards/alerts.yml", "dashboards/unirust.json",
                     "examples/crm-erp-web/records.jsonl", "changelog.gz"):
            self.assertTrue((tree / "usr/share/doc/unirust" / name).is_file(), name)
        listing = dpkg_deb("--contents", package).splitlines()
        self.assertEqual({line.split()[1] for line in listing}, {"root/root"})
        self.assertEqual({line.split()[0] for line in listing},
                         {"drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--", "lrwxrwxrwx"})
        for program in (tree / "usr/bin").iterdir():
            sections = subprocess.run(["readelf", "--sections", program], check=True, capture_output=True, text=True)
            self.assertNotIn(".symtab", sections.stdout)
        for line in (tree / "DEBIAN/md5sums").read_text().splitlines():
            self.assertIn(line.split(maxsplit=1)[1], files)
        for script in ("postinst", "prerm", "postrm"):
            subprocess.run(["sh", "-n", tree / "DEBIAN" / script], check=True)
        if shutil.which("lintian"):
            done = subprocess.run(["lintian", "--allow-root", "--suppress-tags", "no-copyright-file", package],
                                  capture_output=True, text=True, timeout=RUN_TIMEOUT)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_same_bytes_again(self):
        first = build(self.dir / "1")
        second = build(self.dir / "2", TZ="Asia/Tokyo", LC_ALL="C", TMPDIR=str(self.dir))
        self.assertEqual(first.read_bytes(), second.read_bytes())

    # --- units ----------------------------------------------------------------------------------

    def test_units_are_sound_and_little_exposed(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        dpkg_deb("--extract", build(self.dir / "out"), self.dir / "tree")
        for unit in UNITS:
            path = self.dir / "tree/lib/systemd/system" / unit
            done = subprocess.run(
                ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "--no-pager", path],
                capture_output=True, text=True, timeout=RUN_TIMEOUT)
            self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)

    def test_both_units_have_the_same_sandbox(self):
        sandboxes = [(REPO / "deploy" / unit).read_text().split("# Sandbox")[1] for unit in UNITS]
        self.assertEqual(sandboxes[0], sandboxes[1])

    def test_restarts_and_time_to_stop_are_in_step_with_the_programs(self):
        limits = dict(re.findall(r"\b(k\w+Ms\w*) = (\d+);", (REPO / "base/limits.h").read_text()))
        for unit in UNITS:
            seconds = int(dict(settings(unit))["TimeoutStopSec"].removesuffix("s"))
            self.assertGreater(seconds * 1000, int(limits["kDrainMsMax"]) + int(limits["kPartDeadlineMs"]), unit)
        prevented = dict(settings(UNITS[0]))["RestartPreventExitStatus"]
        self.assertEqual(list(map(int, prevented.split())), [USAGE, INPUT, DATA_DIR, DATA_LOSS])


class InstalledTest(E2eTest):
    """On a copy of this machine, with real systemd."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shared = cls.enterClassContext(temp_dir())
        shutil.copytree(REPO / "examples/crm-erp-web", shared / "example")
        cls.shared, cls.package = shared, build(shared)

    def setUp(self):
        super().setUp()
        self.machine = self.stack.enter_context(Machine(self.shared))
        self.run_there = self.machine.run

    def install(self, package=None):
        return self.run_there("dpkg", "--install", f"/mnt/{(package or self.package).name}")

    def start(self):
        """Services as installed, but that a system call which the sandbox refuses kills them."""
        self.edit("/run/systemd/system/unirust-.service.d/strict.conf", "[Service]\nSystemCallErrorNumber=\n")
        self.run_there("systemctl", "daemon-reload")
        self.run_there("systemctl", "enable", "--now", *SERVICES)
        self.wait_ready()

    def wait_ready(self):
        if not self.machine.succeeds("unirust", "stats"):
            self.fail(self.run_there("journalctl", "--lines=40"))

    def edit(self, path, text):
        self.run_there("install", "-D", "-m", "644", "/dev/stdin", path, stdin=text)

    def show(self, unit, name):
        return self.run_there("systemctl", "show", "--value", "--property", name, unit).strip()

    def unirust(self, *args):
        return self.run_there("unirust", *args)

    def ingest(self):
        self.unirust("ingest", "--ontology", f"{EXAMPLE}/ontology.json", f"{EXAMPLE}/records.jsonl")
        return self.unirust("digest")

    def upgraded(self):
        """The package with a later version."""
        tree, package = self.dir / "later", self.shared / "later.deb"
        dpkg_deb("--raw-extract", self.package, tree)
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"(?m)^Version: .*", "Version: 99.0", control.read_text()))
        dpkg_deb("--root-owner-group", "-Zgzip", "-z1", "--build", tree, package)
        return package

    def fails_for_good(self, unit, code):
        self.run_there("systemctl", "start", unit, expect=None)
        self.assertTrue(self.machine.succeeds("systemctl", "is-failed", "--quiet", unit))
        self.assertEqual((self.show(unit, "ExecMainStatus"), self.show(unit, "NRestarts")), (str(code), "0"))
        self.run_there("systemctl", "reset-failed", unit)

    def test_serves_upgrades_and_leaves_the_data(self):
        self.install()
        self.assertEqual(self.run_there("systemctl", "list-units", "--plain", "--no-legend", "unirust-*"), "")
        self.run_there("systemd-analyze", "verify", *SERVICES)
        self.start()
        digest = self.ingest()
        self.assertIn("ada@example.com", self.unirust("query", "email=ada@example.com"))

        config = "/etc/unirust/shard-0.toml"
        self.edit(config, self.run_there("cat", config).replace("512MiB", "256MiB"))
        before = [self.show(service, "MainPID") for service in SERVICES]
        self.install(self.upgraded())
        self.wait_ready()
        after = [self.show(service, "MainPID") for service in SERVICES]
        self.assertFalse(set(before) & set(after), "services go on with the new programs")
        self.assertIn("256MiB", self.run_there("cat", config))
        self.assertEqual(self.unirust("digest"), digest)

        self.install()  # back to the earlier version
        self.wait_ready()
        self.assertEqual(self.unirust("digest"), digest)

        said = self.run_there("dpkg", "--remove", "unirust")
        self.assertIn("/var/lib/unirust", said)
        self.assertEqual(self.run_there("sh", "-c", "pgrep -l unirust || true"), "")
        self.assertIn("/var/lib/unirust", self.run_there("dpkg", "--purge", "unirust"))
        self.run_there("test", "!", "-e", "/etc/unirust")
        self.assertNotIn("unirust", self.run_there("ls", "/etc/systemd/system/multi-user.target.wants"))
        self.install()
        self.start()
        self.assertEqual(self.unirust("digest"), digest)

    def test_the_sandbox_suffices_and_holds(self):
        self.install()
        config = "/etc/unirust/shard-0.toml"
        enabled = re.sub(r"(?m)^# (backup-)", r"\1", self.run_there("cat", config)).replace("512MiB", "64MiB")
        self.assertIn("\nbackup-dir", enabled)
        self.edit(config, enabled)
        self.start()
        self.compact()
        digest = self.ingest()
        self.unirust("checkpoint", "before")
        self.unirust("backup")
        self.unirust("export", "--format", "canonical", "--out", "/run/canonical.jsonl")
        self.assertIn("unirust_router_shard_reachable 1", self.fetch("127.0.0.1:9465"))
        uid = self.run_there("id", "-u", "unirust").strip()
        for service in SERVICES:
            pid = self.show(service, "MainPID")
            status = dict(re.findall(r"^(\w+):\t(.*)$", self.run_there("cat", f"/proc/{pid}/status"), re.M))
            self.assertEqual((set(status["Uid"].split()), int(status["CapEff"], 16), int(status["CapBnd"], 16),
                              status["NoNewPrivs"], status["Seccomp"]), ({uid}, 0, 0, "1", "2"))
            for path in ("/etc/unirust", "/usr/bin", "/var/lib", "/var/lib/unirust"):
                self.run_there("nsenter", "--target", pid, "--mount", "test", "!", "-w", path)
        modes = self.run_there("find", "/var/lib/unirust/shard-0", "/var/backups/unirust/shard-0", "-perm", "/077")
        self.assertEqual(modes, "", "others than the user unirust have no rights")

        self.run_there("systemctl", "stop", *SERVICES)
        for service in SERVICES:
            self.assertEqual((self.show(service, "Result"), self.show(service, "ExecMainStatus")), ("success", "0"))
        self.run_there("mv", "/var/lib/unirust/shard-0", "/var/lib/unirust/damaged")
        self.run_there("runuser", "-u", "unirust", "--", "unirust", "restore", "--from", "/var/backups/unirust/shard-0",
                       "--data-dir", "/var/lib/unirust/shard-0")
        self.run_there("systemctl", "start", *SERVICES)
        self.wait_ready()
        self.assertEqual(self.unirust("digest"), digest)

    def compact(self):
        """Writes until the shard has compacted."""
        none = r"(?m)^unirust_rocksdb_compaction_written_bytes_total 0$"
        self.assertRegex(self.fetch("127.0.0.1:9464"), none)
        for seed in range(1, 20):
            made = self.shared / "people.jsonl"
            unirust("bench", "generate", "--records", 2000, "--seed", seed, "--out", made)
            self.unirust("ingest", "/mnt/people.jsonl")
            self.unirust("backup")  # flushes
            if not re.search(none, self.fetch("127.0.0.1:9464")):
                return
        self.fail("no compaction")

    def fetch(self, address):
        script = f"import urllib.request; print(urllib.request.urlopen('http://{address}/metrics').read().decode())"
        return self.run_there("/usr/bin/python3", "-c", script)

    def test_restarts_where_that_helps(self):
        self.install()
        self.start()
        digest = self.ingest()
        shard = SERVICES[0]
        killed = self.show(shard, "MainPID")
        self.run_there("systemctl", "kill", "--signal=KILL", shard)
        self.wait_ready()
        self.assertNotEqual(self.show(shard, "MainPID"), killed)
        self.assertEqual((self.show(shard, "NRestarts"), self.unirust("digest")), ("1", digest))
        self.run_there("systemctl", "stop", shard)

        self.fails_for_good("unirust-shard@7.service", USAGE)  # there is no such file
        config = "/etc/unirust/shard-0.toml"
        text = self.run_there("cat", config)
        self.edit(config, text.replace("shard-id = 0", "shard-id = 1"))
        self.fails_for_good(shard, DATA_DIR)
        self.edit("/etc/unirust/ontology.json", json.dumps({"identity_keys": 3}))
        self.edit(config, text.replace("# ontology", "ontology"))
        self.fails_for_good(shard, INPUT)
        self.edit(config, text)
        current = "/var/lib/unirust/shard-0/CURRENT"
        self.run_there("cp", "-a", current, "/run/CURRENT")
        self.run_there("truncate", "--size=0", current)
        self.fails_for_good(shard, DATA_LOSS)
        self.run_there("cp", "-a", "/run/CURRENT", current)
        self.run_there("systemctl", "start", shard)
        self.wait_ready()
        self.assertEqual(self.unirust("digest"), digest)

    def test_two_shards_keep_one_store(self):
        self.install()
        part = "part = true\nshard-id = 1\nlisten = '127.0.0.1:50071'\ndata-dir = '/var/lib/unirust/shard-1'\n"
        self.edit("/etc/unirust/shard-1.toml", part)
        config = "/etc/unirust/shard-0.toml"
        self.edit(config, self.run_there("cat", config) + "parts = ['127.0.0.1:50071']\n")
        self.run_there("systemctl", "start", "unirust-shard@1")
        self.start()
        self.ingest()
        self.assertEqual(len(self.unirust("cluster", "status", "--json").splitlines()), 2)
        self.assertNotEqual(self.run_there("find", "/var/lib/unirust/shard-1", "-name", "*.log", "-size", "+0"), "")

    def test_what_the_container_file_says_works_where_the_package_is_installed(self):
        text = (REPO / "deploy/Containerfile").read_text().split("\nFROM ")[-1]
        variables = dict(re.findall(r"\b(UNIRUST_\w+)=(\S+)", text))
        entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.M).group(1))
        probe = json.loads(re.search(r"^HEALTHCHECK .*\\\n\s+CMD (.*)$", text, re.M).group(1))
        user = re.search(r"^USER (\w+)$", text, re.M).group(1)
        port = re.search(r"^EXPOSE (\d+)$", text, re.M).group(1)
        volume, = json.loads(re.search(r"^VOLUME (.*)$", text, re.M).group(1))
        install = re.search(r"apt-get install .*\.deb", text).group()
        self.run_there("sh", "-c", install.replace("/out/*.deb", f"/mnt/{self.package.name}"))
        self.run_there("systemd-run", f"--uid={user}", "--unit=container",
                       *(f"--setenv={name}={value}" for name, value in variables.items()), *entry)
        self.assertTrue(self.machine.succeeds(*probe), self.run_there("journalctl", "--lines=20"))
        digest = self.ingest()
        self.assertEqual(self.unirust("digest", "--router", f"127.0.0.1:{port}"), digest)
        self.assertTrue(variables["UNIRUST_DATA_DIR"].startswith(volume + "/"))
        self.run_there("systemctl", "stop", "container")
        self.run_there(*probe, expect=UNAVAILABLE)


if __name__ == "__main__":
    unittest.main(verbosity=1)
