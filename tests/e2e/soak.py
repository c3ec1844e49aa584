"""A store under mixed load for a long time, with changes of ontology, backups, retention and restarts: memory,
descriptors and disk stay flat, and it holds what it must (docs/reliability.md).

    scripts/soak --minutes 60 --seed 7
"""
import argparse
import json
import random
import sys
import threading
import time
import traceback
from pathlib import Path

import grpc

import feed
import harness
import watch
from harness import LOCAL, RUN_TIMEOUT, SLOWNESS, Store, unirust
from rewrites import Rewrites, check, ontology_of

BUDGET_MIB = 64
BESIDES_MIB = 128    # as in memory_test.py
GROUPS, RECORDS = 60, 25
BACKUPS = 3          # that are kept
CHUNKS = 10          # of an ingest stream
READS = ("GetEntity", "QueryEntities", "FindEntities", "ScanRecords", "StreamConflicts", "ExportGraph", "GetDigest")
FRESH_MIB = 64       # of tables that wait for a compaction, and of the log


class Load:
    """Threads that write and read until they are told to stop, and can be held."""

    def __init__(self, soak, writes_per_second, reads_per_second):
        self.soak, self.faults = soak, []
        self.stopping, self.changed = False, threading.Condition()
        self.held, self.busy = True, 0
        self.reads = 0
        self.threads = [threading.Thread(target=self._loop, args=(what, 1 / rate), daemon=True) for what, rate in (
            (self.write, writes_per_second / 2), (self.write, writes_per_second / 4),
            (self.write_stream, writes_per_second / 4 / CHUNKS), (self.read, reads_per_second))]
        for thread in self.threads:
            thread.start()

    def _loop(self, what, pause):
        rng = random.Random(f"{what.__name__} {pause}")
        while True:
            with self.changed:
                while self.held and not self.stopping:
                    self.changed.wait()
                if self.stopping:
                    return
                self.busy += 1
            try:
                what(rng)
            except Exception:
                self.faults.append(traceback.format_exc())
            finally:
                with self.changed:
                    self.busy -= 1
                    self.changed.notify_all()
            with self.changed:  # the rate; a hold or a stop cuts it short
                self.changed.wait_for(lambda: self.held or self.stopping, rng.uniform(0, 2 * pause))

    def go_on(self):
        with self.changed:
            self.held = False
            self.changed.notify_all()

    def hold(self):
        """Returns when nothing is under way."""
        with self.changed:
            self.held = True
            self.changed.notify_all()
            if not self.changed.wait_for(lambda: self.busy == 0, RUN_TIMEOUT):
                raise AssertionError("a request is not answered")

    def stop(self):
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        for thread in self.threads:
            thread.join()

    def write(self, _):
        number, lines = self.soak.rewrites.next()
        self.soak.settle([number], lambda: feed.ingest(self.soak.store.client, lines) and [number])

    def write_stream(self, _):
        sent = [self.soak.rewrites.next() for _ in range(CHUNKS)]
        done = []

        def send():
            chunks = [{"records": feed.inputs(lines)} for _, lines in sent]
            method = "unirust.RouterService/IngestRecordsStream"
            for (number, _), _ in zip(sent, self.soak.store.client.call(method, stream=chunks)):
                done.append(number)
            return done
        self.soak.settle([number for number, _ in sent], send, done)

    def read(self, rng):
        """One of the ways to read; streams are left in the middle now and then."""
        what = rng.choice(READS)
        group = rng.randrange(GROUPS)
        fields = {"GetEntity": {"name": f"head/judge/{group}"},
                  "ScanRecords": {"page_size": 50}, "ExportGraph": {"page_size": 100}}.get(what, {})
        if what in ("QueryEntities", "FindEntities"):
            fields = {"descriptors": [{"attr": "name", "value": f"name0.{group}"}], "start": 0, "end": 10}
        try:
            answer = self.soak.store.client.call(f"unirust.RouterService/{what}", **fields)
            if what not in ("GetEntity", "QueryEntities"):
                for n, _ in enumerate(answer):
                    if n == 3 and rng.random() < 0.3:
                        answer.cancel()
                        break
        except (grpc.RpcError, ValueError) as fault:
            if not self.soak.restarting and not (
                    isinstance(fault, grpc.RpcError) and fault.code() == grpc.StatusCode.NOT_FOUND):
                raise
        self.reads += 1


class Soak:
    def __init__(self, directory, seed, writes_per_second=8, reads_per_second=8, tell=print):
        self.directory, self.tell = directory, tell
        self.rng = random.Random(seed)
        self.rewrites = Rewrites(seed, range(GROUPS), RECORDS)
        self.ontology, self.declared = {}, None
        self.restarting = False
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        self.store = Store(
            "router", directory / "data", "--memory-budget", f"{BUDGET_MIB}MiB", "--backup-dir", directory / "copies",
            "--backup-keep", str(BACKUPS), "--metrics-listen", LOCAL, env={"TMPDIR": str(self.temporary)})
        self.lives, self.rounds, self.backups, self.restarts = [[]], 0, 0, 0
        self.load = Load(self, writes_per_second, reads_per_second)

    @property
    def shard(self):
        return self.store.programs[0]

    def settle(self, numbers, send, done=()):
        """Sends, and notes what became of the requests."""
        failed = None
        try:
            done = send()
        except (grpc.RpcError, ValueError) as fault:  # the latter: its channel was closed
            failed = fault
        for number in numbers:
            if number in done:
                self.rewrites.acknowledge(number)
            elif isinstance(failed, grpc.RpcError) and failed.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                self.rewrites.refuse(number)
            else:
                self.rewrites.lose(number)
        if failed is not None and not self.restarting:
            raise failed

    def change_ontology(self):
        ontology = ontology_of(self.rng.random())
        self.store.client.call("unirust.RouterService/SetOntology", json=json.dumps(ontology))
        self.ontology = ontology

    def advance(self):
        now = max(self.rewrites.number - GROUPS, self.declared or 0)
        self.store.client.call("unirust.RouterService/AdvanceRetention", now=now)
        self.declared = now

    def back_up(self):
        self.store.client.call("unirust.RouterService/Backup")
        self.backups += 1

    def restart(self, kill):
        """Under load: what was not answered is not known."""
        self.restarting = True
        for program in reversed(self.store.programs):
            program.kill() if kill else program.stop()
        self.load.hold()
        self.store.kill()
        self.store.start()
        self.restarting = False
        self.restarts += 1
        self.lives.append([])
        self.load.go_on()

    def round(self, seconds):
        """Everything that happens to a store, once each; then it is looked at while nothing is under way."""
        self.load.go_on()
        events = [self.change_ontology, self.advance, self.back_up]
        self.rng.shuffle(events)
        for event in events:
            time.sleep(seconds / (len(events) + 1))  # under load: its length is the point
            event()
        time.sleep(seconds / (len(events) + 1))
        self.load.hold()
        self.rounds += 1
        if self.load.faults:
            raise AssertionError("\n".join(self.load.faults))
        self.check("--router", self.store.address)
        self.look()

    def look(self):
        pid = self.shard.process.pid
        told = watch.metrics(self.shard)
        sample = {"memory": round(watch.resident_mib(pid), 1), "memory_most": round(watch.resident_mib(pid, True), 1),
                  "router": round(watch.resident_mib(self.store.programs[1].process.pid), 1),
                  "threads": watch.threads(pid), **watch.descriptors(pid),
                  "data": round(watch.disk_mib(self.directory / "data"), 1),
                  "copies": round(watch.disk_mib(self.directory / "copies"), 1),
                  "backups": self.kept_backups(),
                  "views": sum(told["unirust_open_views"].values()),
                  "running": sum(told["unirust_calls_running"].values()),
                  "acknowledged": self.rewrites.acknowledged}
        self.lives[-1].append(sample)
        self.tell(json.dumps({"round": self.rounds, "reads": self.load.reads, **sample}), flush=True)

    def kept_backups(self):
        rows = [json.loads(row) for row in unirust("backups", self.directory / "copies", "--json").stdout.splitlines()]
        if any(row["damaged"] for row in rows):
            raise AssertionError(f"a backup is damaged: {rows}")
        return len(rows)

    def judge(self):
        """What must be flat. The faults."""
        faults = []
        for number, life in enumerate(self.lives):
            faults += [f"life {number}: {fault}" for fault in judge_life(life)]
        faults += judge_disk([sample for life in self.lives for sample in life])
        if left := list(self.temporary.iterdir()):
            faults.append(f"temporary files are left: {left}")
        return faults

    def end(self):
        """The newest backup is a store; so is the directory, in all depth."""
        self.load.stop()
        self.back_up()
        self.store.stop()
        data, restored = self.directory / "data", self.directory / "restored"
        unirust("verify", "--full", "--quiet", "--data-dir", data, timeout=10 * RUN_TIMEOUT)
        self.check("--data-dir", data)
        unirust("restore", "--from", self.directory / "copies", "--data-dir", restored, timeout=10 * RUN_TIMEOUT)
        self.check("--data-dir", restored)

    def check(self, *at):
        check([self.rewrites], self.ontology, self.declared, *at)


def judge_life(life):
    """Of the samples of one process."""
    faults = []
    for sample in life:
        if sample["views"] or sample["running"]:
            faults.append(f"{sample['views']} views and {sample['running']} calls are left where nothing is under way")
        if sample["deleted"] or sample["other"] > life[0]["other"] + 4:
            faults.append(f"descriptors are left open: {sample}")
        if sample["sockets"] > life[0]["sockets"] + 4:
            faults.append(f"connections are left open: {sample}")
        if sample["memory_most"] > BUDGET_MIB + BESIDES_MIB:
            faults.append(f"{sample['memory_most']} MiB are beyond the budget")
        if sample["backups"] > BACKUPS:
            faults.append(f"{sample['backups']} backups are kept")
    half = len(life) // 2
    if half >= 3:
        before, after = (min(s["logs"] for s in part) for part in (life[:half], life[half:]))
        if after > before + 2:
            faults.append(f"logs are left open: at least {before}, then {after}")
    third = len(life) // 3
    if third >= 3:
        before, after = (max(s["memory"] for s in part) for part in (life[third:2 * third], life[2 * third:]))
        if after > 1.1 * before + 8:
            faults.append(f"memory grows from {before} to {after} MiB")
    return faults


def judge_disk(samples):
    """The second half against the first: what is stored is rewritten, and does not grow."""
    half = len(samples) // 2
    faults = []
    for what in ("data", "copies"):
        if half >= 2:
            before, after = (max(s[what] for s in part) for part in (samples[:half], samples[half:]))
            if after > 1.5 * before + FRESH_MIB:
                faults.append(f"{what} grows from {before} to {after} MiB")
    return faults


def run(directory, minutes, seed, rounds=None, tell=print, **rates):
    """The faults, and how much was done."""
    soak = Soak(directory, seed, tell=tell, **rates)
    rounds = rounds or max(int(minutes), 3)
    deadline = time.monotonic() + 60 * minutes
    try:
        soak.change_ontology()
        for number in range(rounds):
            left = max(deadline - time.monotonic(), 0)
            soak.round(left / (rounds - number) * 0.9)
            if number + 1 in (rounds // 3, 2 * rounds // 3):
                soak.load.go_on()
                soak.restart(kill=number + 1 == rounds // 3)
        soak.end()
    finally:
        soak.load.stop()
        soak.store.kill()
    return soak.judge(), soak


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--writes-per-second", type=float, default=8, help="requests of 25 records")
    parser.add_argument("--reads-per-second", type=float, default=8)
    args = parser.parse_args()
    with harness.temp_dir() as directory:
        faults, soak = run(directory, args.minutes, args.seed, writes_per_second=args.writes_per_second,
                           reads_per_second=args.reads_per_second)
    print(f"{soak.rounds} rounds, {soak.rewrites.acknowledged} requests of {RECORDS} records acknowledged, "
          f"{soak.rewrites.refused} refused, {soak.rewrites.lost} not known; {soak.load.reads} reads, "
          f"{soak.backups} backups, {soak.restarts} restarts")
    print("\n".join(faults) or "flat, and nothing is lost")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
