"""What is going on when the kill comes. Each phase knows from outside that it is: by the journal of what was sent and
is not acknowledged, by lines of the log, by GetParts.

A cycle is a kill and what follows: the store opens again, and the judge looks at it. `random_cycle` kills at a random
instant of the phase, `point_cycle` at a named point of the code (base/fault_point.h).
"""
import json
import shutil
import time
from dataclasses import dataclass

import harness
from crash_rig import PATIENCE
from harness import SLOWNESS, unirust

MUCH_TO_REPLAY = 18 << 20  # bytes of logs, so that write buffers are larger while they are replayed (store/open.cc)
LITTLE_TO_REPLAY = 1 << 20
COPY_REFUSED = (harness.DATA_LOSS, harness.DATA_DIR)  # what half a checkpoint is opened with


@dataclass(frozen=True)
class Phase:
    name: str
    loops: tuple             # what is sent, in a thread each
    points: dict             # name of a fault point -> in which processes of the store
    setup: tuple = ("ontology",)
    kinds: tuple = ("ingest",)  # requests that the kill shall meet
    parts: int = 1
    flags: tuple = ()
    span: float = 0.03       # seconds after the phase was seen, at most
    weight: int = 1          # share of the random kills
    passages: tuple = (2, 5)  # of a fault point, where not the first one kills
    per_store: int = 8       # cycles until the next one has a directory of its own

    def set_up(self, rig):
        rig.set_up()

    def end(self, rig):
        """What nobody asked for is as it must be, too."""
        rig.store.kill()
        unirust("verify", "--full", "--quiet", "--data-dir", rig.directory / "data")

    def begun(self, rig):
        return bool(rig.under_way(*self.kinds))

    def met(self, rig):
        """Whether the kill came while it was going on."""
        return bool(rig.under_way(*self.kinds))

    def random_cycle(self, rig):
        some = rig.rng.randrange(40)
        rig.send()
        rig.until(lambda: len(rig.judge.journal.read().acknowledged) >= rig.acknowledged + some, "an acknowledgement")
        rig.until(lambda: self.begun(rig), self.name)
        time.sleep(rig.rng.uniform(0, self.span) * SLOWNESS)  # the random instant is the point here
        rig.kill()
        rig.sent_all()
        rig.hits += self.met(rig)
        self.after(rig)

    def point_cycle(self, rig, point, number):
        env = {"UNIRUST_ABORT_AT": point}
        if rig.restart(number, env):
            rig.send()
            rig.await_death(number, env)
            rig.sent_all()
        rig.count_point(point)
        self.after(rig)

    def after(self, rig):
        rig.restart()
        rig.check()


class LoggedPhase(Phase):
    """Work of RocksDB, which tells of it in the log."""

    def begun(self, rig):
        log = rig.new_log()
        rig.begun += log.count(f'"event": "{self.name}_started"'.encode())
        rig.ended += log.count(f'"event": "{self.name}_finished"'.encode())
        return rig.begun > rig.ended

    met = begun


def kill_as_it_opens(rig):
    """Up to three times in a row; it counts as met where the store was not ready yet."""
    for _ in range(rig.rng.randint(1, 3)):
        with rig.store.launch() as program:
            time.sleep(rig.rng.uniform(0, 0.15) * SLOWNESS)
            program.kill()
            rig.kills += 1
            rig.hits += program.address is None


class OpeningPhase(Phase):
    """The store is killed as it opens, several times in a row, after a kill that left much to do."""

    def log_bytes(self, rig):
        return sum(path.stat().st_size for path in (rig.directory / "data").glob("*.log"))

    def leave_much(self, rig, log_bytes):
        """A long log, and half a generation."""
        rig.send()
        rig.until(lambda: self.log_bytes(rig) > log_bytes, "a long log")
        rig.until(lambda: rig.under_way("ontology"), "a change of ontology")
        time.sleep(rig.rng.uniform(0, 0.1) * SLOWNESS)  # the random instant is the point here
        rig.kill()
        rig.sent_all()

    def random_cycle(self, rig):
        self.leave_much(rig, rig.rng.choice([LITTLE_TO_REPLAY] * 3 + [MUCH_TO_REPLAY]))
        rig.store.kill()
        kill_as_it_opens(rig)
        self.after(rig)

    def point_cycle(self, rig, point, number):
        env = {"UNIRUST_ABORT_AT": point}
        deadline = time.monotonic() + PATIENCE
        while True:
            self.leave_much(rig, MUCH_TO_REPLAY if point.startswith("open.buffer") else LITTLE_TO_REPLAY)
            if not rig.restart(number, env):
                break
            if point.startswith("open.buffer"):  # by a thread of its own
                rig.await_death(number, env)
                break
            if time.monotonic() > deadline:
                raise AssertionError(f"{point} is never reached")
            rig.restart()
        rig.count_point(point)
        self.after(rig)


class CreationPhase(Phase):
    """A directory becomes a store: each cycle has one of its own."""

    def set_up(self, rig):
        pass

    def random_cycle(self, rig):
        kill_as_it_opens(rig)
        self.after(rig)

    def point_cycle(self, rig, point, number):
        if rig.restart(number, {"UNIRUST_ABORT_AT": point}):
            raise AssertionError(f"{point} is never reached")
        rig.count_point(point)
        self.after(rig)

    def after(self, rig):
        """An empty store, which takes what it is given."""
        rig.restart()
        rig.check()
        for what in ("ontology", "ingest"):
            rig.once(what)
        rig.check()


class ClientPhase(Phase):
    """The sender is killed, and the store after it: the journal knows of what was under way."""

    def random_cycle(self, rig):
        rig.send()
        rig.until(lambda: len(rig.judge.journal.read().acknowledged) > rig.acknowledged, "an acknowledgement")
        time.sleep(rig.rng.uniform(0, self.span) * SLOWNESS)
        rig.new_sender()
        rig.hits += self.met(rig)
        rig.kills += 1
        rig.kill()
        self.after(rig)


class CopiesPhase(Phase):
    """Checkpoints and backups. Each that is whole has what was acknowledged before it was begun."""

    def after(self, rig):
        super().after(rig)
        for number in rig.judge.journal.numbers("checkpoint"):
            if number > rig.began:
                self.check_checkpoint(rig, number)
        if (rig.directory / "copies" / "backups").exists():
            self.check_backups(rig)

    def check_checkpoint(self, rig, number):
        name = rig.judge.journal.sent[number]["name"]
        copy = rig.directory / "copies" / name
        if number in rig.judge.journal.acknowledged or self.is_whole(copy):
            rig.judge.check(copy, copy=number)
        shutil.rmtree(copy, ignore_errors=True)

    def is_whole(self, copy):
        """Half a copy is refused."""
        if not copy.exists():
            return False
        done = harness.run("unirust", "stats", "--data-dir", copy, "--read-only")
        if done.returncode not in (harness.OK, *COPY_REFUSED):
            raise AssertionError(f"{copy}: exit code {done.returncode}\n{done.stderr.decode()}")
        return done.returncode == harness.OK

    def check_backups(self, rig):
        listed = [json.loads(line) for line in
                  unirust("backups", rig.directory / "copies", "--json").stdout.splitlines()]
        if any(backup["damaged"] for backup in listed):
            raise AssertionError(f"a backup is damaged: {listed}")
        journal = rig.judge.journal
        made = {answer[0]: number for number, answer in journal.acknowledged.items()
                if journal.sent[number]["what"] == "backup"}
        new = [backup["id"] for backup in listed if backup["id"] > rig.copies_judged]
        rig.copies_judged = max([rig.copies_judged, *new])
        for backup in new[-2:]:
            target = self.restore(rig, backup)
            rig.judge.check(target, copy=made.get(backup) or max(journal.open("backup")))
            shutil.rmtree(target)

    def restore(self, rig, backup):
        target = rig.directory / "restored"
        unirust("restore", "--from", rig.directory / "copies", "--backup", backup, "--data-dir", target)
        return target


class RestorePhase(CopiesPhase):
    """`unirust restore` is killed: the directory is a whole store or not there, and the next restore makes it."""

    def random_cycle(self, rig):
        self.killed(rig, lambda command: self.kill_soon(rig, command))

    def kill_soon(self, rig, command):
        with harness.Program(*command) as program:
            time.sleep(rig.rng.uniform(0, 0.1) * SLOWNESS)
            rig.hits += program.running()
            rig.kills += 1
            program.kill()

    def point_cycle(self, rig, point, number):
        def die(command):
            done = harness.run(*command, env={"UNIRUST_ABORT_AT": point})
            if not rig.reached(done.returncode, done.stderr.decode(), {"UNIRUST_ABORT_AT": point}):
                raise AssertionError(f"{point} is never reached: exit code {done.returncode}")
            rig.count_point(point)
        self.killed(rig, die)

    def killed(self, rig, kill):
        rig.send()
        rig.until(lambda: rig.under_way("backup") and any(
            n > rig.began for n in rig.judge.journal.acknowledged
            if rig.judge.journal.sent[n]["what"] == "backup"), "a backup")
        rig.sent_all(stop=True)
        target = rig.directory / "restored"
        kill(["unirust", "restore", "--from", rig.directory / "copies", "--data-dir", target])
        number = max(n for n in rig.judge.journal.read().acknowledged
                     if rig.judge.journal.sent[n]["what"] == "backup")
        if target.exists():
            rig.judge.check(target, copy=number)
            shutil.rmtree(target)
        unirust("restore", "--from", rig.directory / "copies", "--data-dir", target)
        rig.judge.check(target, copy=number)
        shutil.rmtree(target)
        if (rig.directory / "restored.restoring").exists():
            raise AssertionError("an interrupted restore is still there")
        rig.check()


class RepairPhase(RestorePhase):
    """`unirust repair` is killed, of a directory without CURRENT, of which all can be kept: the new one is whole or not
    there, and the old one is what it was."""

    def killed(self, rig, kill):
        rig.send()
        rig.until(lambda: len(rig.judge.journal.read().acknowledged) > rig.acknowledged, "an acknowledgement")
        rig.kill()
        rig.sent_all()
        data, target = rig.directory / "data", rig.directory / "repaired"
        (data / "CURRENT").unlink()
        before = {path.name: path.read_bytes() for path in data.iterdir()}
        command = ["repair", "--data-dir", data, "--into", target]
        kill(["unirust", *command])
        if not target.exists():
            unirust("stats", "--data-dir", data, expect=harness.DATA_LOSS)
            unirust(*command)
        if {path.name: path.read_bytes() for path in data.iterdir()} != before:
            raise AssertionError("a repair changed the damaged directory")
        shutil.rmtree(data)
        shutil.rmtree(rig.directory / "repaired.restoring", ignore_errors=True)
        target.rename(data)
        self.after(rig)


class PartsPhase(Phase):
    """Any process of a store of several parts and routers; the others go on, and the sender asks again until it is
    answered, each of its loops one of the routers."""

    def random_cycle(self, rig):
        rig.send()
        rig.until(lambda: len(rig.judge.journal.read().acknowledged) > rig.acknowledged, "an acknowledgement")
        rig.until(lambda: self.begun(rig), self.name)
        time.sleep(rig.rng.uniform(0, self.span) * SLOWNESS)
        number = rig.rng.randrange(self.parts + rig.store.ROUTERS)
        rig.hits += self.met(rig)
        rig.kill(number)
        rig.restart(number)
        self.after(rig)

    def point_cycle(self, rig, point, number):
        env = {"UNIRUST_ABORT_AT": point}
        if point.startswith("join.epoch_delivered"):
            self.leave_an_epoch(rig)
        ready = rig.restart(number, env)
        rig.send()
        if ready:
            rig.await_death(number, env)
        rig.count_point(point)
        rig.restart(number)
        self.after(rig)

    def leave_an_epoch(self, rig):
        """That is decided, and not delivered."""
        env = {"UNIRUST_ABORT_AT": "epoch.decided"}
        if rig.restart(0, env):
            rig.send()
            rig.await_death(0, env)
            rig.sent_all(stop=True)

    def end(self, rig):
        """Each of the processes lived through it."""
        rig.store.cluster.stop()

    def after(self, rig):
        """Nothing waits any more once a last request is answered: what came before it is applied, or never will be."""
        rig.sent_all(stop=True)
        rig.store.await_readable()
        rig.once("ingest")
        rig.check()


class MovesPhase(PartsPhase):
    """Slots are on their way."""

    def begun(self, rig):
        return rig.store.cluster.client.call("GetParts").HasField("move")

    met = begun


def at(*names, processes=(0,)):
    return {name: processes for name in names}


COMMIT = at("commit.gathered", "commit.resolved", "commit.before_write", "commit.synced", "commit.marked",
            "commit.before_answer", "log.appended", "log.before_sync", "mark.before_sync")
FILES = at("log.before_delete", "mark.files_before_sync", "manifest.before_sync", "manifest.synced")
GENERATION = at("generation.family_created", "generation.begun", "generation.filled", "generation.before_switch",
                "generation.switched", "generation.family_dropped")
OPENING = at("open.marked", "open.recovered", "open.checked", "open.leftover_dropped", "open.chosen",
             "open.buffer_shrunk", "open.probed")
PURGE = at("purge.names_found", "purge.names_retired", "rewrite.compacted", "rewrite.manifest_begun",
           "purge.rewritten")
HOME = at("epoch.before_decided", "epoch.decided", "epoch.delivered", "epoch.before_published", "join.part_joined",
          "join.part_joined:3", "join.epoch_delivered", "join.epoch_delivered:2")
ANY_PART = at("part.before_epoch", "part.applied", "generation.before_seal", "generation.sealed", processes=(0, 1))
OTHER_PART = at("commit.synced", "generation.filled", "generation.before_switch", "generation.switched", processes=(1,))
COPIES = ("--backup-dir", "{directory}/copies", "--backup-keep", "3")
DEBUG = ("--log-level", "debug")

PHASES = [
    Phase("ingest", ("ingest",) * 3, COMMIT, weight=4, passages=(2, 12)),
    ClientPhase("client", ("ingest",) * 3, {}),
    LoggedPhase("flush", ("bulky",) * 2, {**FILES, **at("flush.begun", "flush.done")}, flags=DEBUG, weight=2),
    LoggedPhase("compaction", ("bulky",) * 2, at("compaction.begun", "compaction.done"), flags=DEBUG, passages=(2, 2)),
    OpeningPhase("opening", ("bulky", "bulky", "ontology"), OPENING, setup=("ontology", "filling"), weight=2,
                 per_store=5),
    CreationPhase("creation", (), at("open.identified", "generation.family_created", "generation.family_created:9"),
                  setup=(), per_store=1),
    CopiesPhase("checkpoint", ("ingest", "bulky", "checkpoint"), at("checkpoint.linked", "checkpoint.marked"),
                kinds=("checkpoint",), flags=COPIES),
    CopiesPhase("backup", ("ingest", "bulky", "backup"), at("backup.begun", "backup.copying", "backup.made",
                                                          "backup.purged"),
                setup=("ontology", "heap", "heap"), kinds=("backup",), flags=COPIES, span=0.1, passages=(2, 3)),
    RestorePhase("restore", ("ingest", "backup"), at("restore.copied", "restore.marked", "restore.opened",
                                                   "restore.renamed"), flags=COPIES),
    RepairPhase("repair", ("ingest", "ingest"), at("repair.copied", "repair.settled", "repair.renamed")),
    Phase("ontology", ("ingest", "ingest", "ontology"), GENERATION, setup=("ontology", "filling"), kinds=("ontology",),
          weight=2, span=0.1),
    Phase("retention", ("expiring", "expiring", "retention"), at("retention.resolved", "retention.committed"),
          setup=("rules", "expiring"), kinds=("retention",)),
    Phase("erasure", ("ingest", "doomed", "erase", "purge"), PURGE, kinds=("erase", "purge"), weight=2, span=0.1),
    PartsPhase("parts", ("ingest", "ingest", "ontology"), {**HOME, **ANY_PART, **OTHER_PART},
               kinds=("ingest", "ontology"), parts=3, weight=3),
    MovesPhase("moves", ("ingest", "ingest", "move"), at("move.begun", "move.copied", "move.compared", "move.switched",
                                                        "move.swept", "move.ended"), parts=3, weight=3),
]
