"""Requests that write the same records again and again, and what a store must hold after any number of them.

Records are in groups, which have no value in common. A request has a number and writes all records of one group with
that number as their version, so a group is as the highest of its requests that were applied left it. The first record
of a group says which one that is. So the memory of both, and of the judge, does not grow with the requests.
"""
import json
import random
import re
import threading

import compare
from harness import unirust
from judge import Verdict, generate
from retention_rules import remains

RULES = [{"perspectives": ["crm"], "ended_before": 10}]  # of all ontologies: other rules forget the declared instant
HEAD = "head"


class Lost(AssertionError):
    pass


def ontology_of(number):
    """A random one, with the rules."""
    return {**generate.mixed_ontology(random.Random(f"ontology {number}")), "retention": RULES}


class Rewrites:
    """Thread-safe. `groups` are their numbers, `size` is of a group. With `variants` the content of a group is one of
    so many, and nothing expires: then it need not be made for each request."""

    def __init__(self, seed, groups, size, variants=None, note_bytes=100):
        self.seed, self.groups, self.size = seed, groups, size
        self.variants, self.note_bytes = variants, note_bytes
        self.rng, self.lock = random.Random(f"rewrites {seed}"), threading.Lock()
        self.number = 0
        self.best = {}     # group -> the highest number that was acknowledged
        self.unknown = {}  # group -> numbers that may have been applied
        self.sent = {}     # number -> group, as long as nothing is known of it
        self.acknowledged = self.refused = self.lost = 0

    def lines(self, number, group):
        variant = number % self.variants if self.variants else number
        rng = random.Random(f"{self.seed} {variant} {group}")
        out = []
        for n in range(self.size):
            line = {"entity_type": ("person", "firm")[n % 5 == 4], "perspective": ("crm", "erp", "web/shop")[n % 3],
                    "uid": f"{group}-{n}", "version": number}
            if n == 0:
                line |= {"entity_type": HEAD, "perspective": "judge", "uid": str(group),
                         "descriptors": [{"attr": "request", "value": str(number)}]}
            elif rng.random() < 0.05:
                line["op"] = "delete"
            else:
                line["descriptors"] = [{**d, "value": f"{d['value']}.{group}"}
                                       for d in generate.mixed_descriptors(rng)]
                line["descriptors"].append({"attr": "note", "value": rng.randbytes(self.note_bytes // 2).hex()})
                if not self.variants:
                    line["descriptors"].append({"attr": "seen", "value": str(number), "start": 0, "end": number})
            out.append(line)
        return out

    def begin(self):
        """(number, group) of a request that is about to be sent. The first ones are of all groups in turn."""
        with self.lock:
            number, first = self.number + 1, self.number < len(self.groups)
            group = self.groups[self.number] if first else self.rng.choice(self.groups)
            self.number = number
            self.sent[number] = group
            self.unknown.setdefault(group, set()).add(number)
        return number, group

    def next(self):
        """(number, lines) of one."""
        number, group = self.begin()
        return number, self.lines(number, group)

    def acknowledge(self, number):
        with self.lock:
            group = self.sent.pop(number)
            self.best[group] = max(number, self.best.get(group, 0))
            self.unknown[group] = {n for n in self.unknown[group] if n > self.best[group]}
            self.acknowledged += 1

    def refuse(self, number):
        """It was not applied, and never will be."""
        with self.lock:
            self.unknown[self.sent.pop(number)].discard(number)
            self.refused += 1

    def lose(self, number):
        """Nobody knows whether it was applied."""
        with self.lock:
            self.sent.pop(number)
            self.lost += 1

    def state(self):
        """What another process must know to judge; for `restore` there."""
        return self.best, self.unknown, self.acknowledged, self.refused, self.lost

    def restore(self, state):
        self.best, self.unknown, self.acknowledged, self.refused, self.lost = state

    def check_found(self, found):
        """`found`: which request each group is of. Raises where it can be of none such."""
        for group in self.groups:
            best, number = self.best.get(group, 0), found.get(group, 0)
            if number != best and number not in self.unknown.get(group, ()):
                raise Lost(f"group {group} is of request {number}, but request {best} was acknowledged, and of "
                           f"{sorted(self.unknown.get(group, ()))} nothing is known")


def check(books, ontology, declared, *at):
    """That a store holds what it must after the requests of all `books`. `at`: "--router", ADDRESS or "--data-dir",
    PATH. Nothing is under way."""
    export = unirust("export", *at, "--format", "canonical").stdout
    found = {}
    for row in export.decode().split("\n"):
        if (head := re.search(rf'"id": "{HEAD}/judge/(\d+)".*"type": "record"', row)) is not None:
            value = re.search(r'"attr": "request"[^}]*"value": "(\d+)"', row)
            found[int(head.group(1))] = int(value.group(1))
    lines = []
    for book in books:
        book.check_found(found)
        lines += [line for group in book.groups if group in found for line in book.lines(found[group], group)]
    verdict = Verdict([json.dumps(remains(line, RULES, declared)) for line in lines],
                      {k: v for k, v in ontology.items() if k != "retention"})
    compare.same_lines(f"{sum(book.acknowledged for book in books)} requests", export, verdict.canonical())
