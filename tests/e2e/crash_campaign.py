"""Kills stores and judges what is left, in every phase of their work and at every fault point (docs/testing.md).

    scripts/crash --cycles 1000 --seed 7
    scripts/crash --phase moves --cycles 50
    scripts/crash --point commit.synced:3
"""
import argparse
import concurrent.futures
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

import harness
from crash_phases import PHASES
from crash_rig import Rig

JOBS = os.cpu_count() + 1  # a store that is killed waits much
SLOW = ("opening", "parts", "flush", "compaction")
PASSED_ONCE = ("open.", "join.", "repair.", "restore.")  # in the life of a process, or as often as crash_phases.py says


def fault_points():
    """All names, as the program tells them."""
    told = harness.run("unirust_shard", "--ephemeral", env={"UNIRUST_ABORT_AT": "?"}, expect=harness.USAGE)
    return told.stderr.decode().split("\n")[0].split("only: ")[1].split()


def plan(phases, cycles, seed):
    """[(phase, what)]: each point of the phases once, as many again at later passages, and random kills. `what` is
    (point, process) or None."""
    rng = random.Random(seed)
    points = [(phase, (name, number)) for phase in phases for name, numbers in phase.points.items()
              for number in numbers]
    later = [(phase, (f"{name}:{rng.randint(*phase.passages)}", number)) for phase, (name, number) in points
             if ":" not in name and not name.startswith(PASSED_ONCE)]
    rng.shuffle(later)
    out = points[:]
    while len(out) < cycles // 2 and later:
        out += later[:cycles // 2 - len(out)]
    left = max(cycles - len(out), 0)
    chosen = [phase for phase in phases for _ in range(phase.weight)]
    out += [(chosen[n % len(chosen)], None) for n in range(left)]
    return out


def groups(steps, seed):
    """[(name of the phase, seed of the store, what)]: cycles that share a directory."""
    out = []
    for phase in PHASES:
        mine = [what for other, what in steps if other is phase]
        random.Random(f"{seed} {phase.name}").shuffle(mine)
        for n in range(0, len(mine), phase.per_store):
            out.append((phase.name, seed * 1000 + n // phase.per_store, mine[n:n + phase.per_store]))
    random.Random(seed).shuffle(out)
    return sorted(out, key=lambda group: group[0] not in SLOW)  # not last, where others would only wait


def live(name, seed, steps):
    """One group. What came of it, or with "fault" why it must not."""
    phase = next(phase for phase in PHASES if phase.name == name)
    directory = Path(tempfile.mkdtemp(prefix="unirust-crash-"))
    began, rig, step = time.monotonic(), None, None
    try:
        rig = Rig(phase, seed, directory)
        phase.set_up(rig)
        for step in steps:
            if step is None:
                phase.random_cycle(rig)
            else:
                phase.point_cycle(rig, *step)
        phase.end(rig)
        out = {"phase": name, "cycles": len(steps), "kills": rig.kills, "met": rig.hits, "points": rig.points,
               "acknowledged": len(rig.judge.journal.read().acknowledged), "unacknowledged": rig.unacknowledged,
               "seconds": time.monotonic() - began}
    except Exception:
        where = f"phase {name}, seed {seed}, {'a random kill' if step is None else step}; left in {directory}"
        return {"fault": f"{where}\n{traceback.format_exc()}"}
    finally:
        if rig is not None:
            rig.close()
    shutil.rmtree(directory, ignore_errors=True)
    return out


class Tally:
    COLUMNS = ("phase", "cycles", "kills", "met", "acknowledged", "unacknowledged", "seconds")

    def __init__(self):
        self.rows, self.points, self.faults = {}, {}, []

    def add(self, done):
        if "fault" in done:
            self.faults.append(done["fault"])
            return
        row = self.rows.setdefault(done["phase"], dict.fromkeys(self.COLUMNS[1:], 0))
        for column in self.COLUMNS[1:]:
            row[column] += done[column]
        for name, kills in done["points"].items():
            self.points[name] = self.points.get(name, 0) + kills

    def total(self, column):
        return sum(row[column] for row in self.rows.values())

    def table(self):
        lines = [self.COLUMNS]
        order = [phase.name for phase in PHASES if phase.name in self.rows]
        lines += [(name, *(f"{self.rows[name][column]:.0f}" for column in self.COLUMNS[1:])) for name in order]
        lines.append(("all", *(f"{self.total(column):.0f}" for column in self.COLUMNS[1:])))
        widths = [max(len(line[n]) for line in lines) for n in range(len(self.COLUMNS))]
        out = ["  ".join(cell.ljust(w) if n == 0 else cell.rjust(w) for n, (cell, w) in enumerate(zip(line, widths)))
               for line in lines]
        out.append(f"{len(self.points)} fault points, {sum(self.points.values())} deaths at them: " +
                   ", ".join(f"{name} {kills}" for name, kills in sorted(self.points.items())))
        out.append(f"losses: {len(self.faults)}")
        return "\n".join(out)


def campaign(phases, cycles, seed, jobs, steps=None, tell=print):
    """Ends with the first fault."""
    work = groups(steps or plan(phases, cycles, seed), seed)
    tally, began = Tally(), time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = [pool.submit(live, *group) for group in work]
        for future in concurrent.futures.as_completed(running):
            tally.add(future.result())
            tell(f"{tally.total('cycles')} cycles, {tally.total('kills')} kills, {tally.total('acknowledged')} "
                 f"requests acknowledged, {time.monotonic() - began:.0f} s")
            if tally.faults:
                pool.shutdown(cancel_futures=True)
                break
    return tally


def main():
    names = [phase.name for phase in PHASES]
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__.split("\n")[0])
    parser.add_argument("--cycles", type=int, default=200, help="kills and what follows; all points: about 80")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phase", choices=names, action="append", help="only this one; may be repeated")
    parser.add_argument("--point", metavar="NAME[:N]", help="only at this fault point, --cycles times")
    parser.add_argument("--jobs", type=int, default=JOBS, help="stores at a time")
    args = parser.parse_args()
    phases = [phase for phase in PHASES if not args.phase or phase.name in args.phase]
    steps = None
    if args.point:
        name = args.point.split(":")[0]
        places = [(phase, (args.point, number)) for phase in phases for number in phase.points.get(name, ())]
        if not places:
            parser.error(f"no phase comes by a fault point {name}")
        steps = [places[n % len(places)] for n in range(args.cycles)]
    print(f"seed {args.seed}")
    tally = campaign(phases, args.cycles, args.seed, args.jobs, steps, lambda text: print(text, flush=True))
    print(tally.table())
    for fault in tally.faults:
        print(f"seed {args.seed}: {fault}", file=sys.stderr)
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
