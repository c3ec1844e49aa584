"""Judges a store, or a copy of one, by the journal of what was sent to it (journal.py) and by the oracle.

- Every acknowledged request is there, and what was there once stays.
- Nothing is there that was never sent, or that was missing after an earlier restart.
- The ontology is one that was sent, as a whole: the last that was acknowledged, or a later one. So is the instant of
  retention.
- What was erased, and acknowledged, is not there and stays away; of an erasure that was not acknowledged all records
  are gone, or none.
- The canonical export and the counters are the oracle's over exactly the lines of the requests that are there: none by
  halves.
"""
import json
import re

import compare
from harness import unirust
from journal import Journal
from judge import Verdict, name_of
from retention_rules import remains
from sender import MARKER


class Lost(AssertionError):
    pass


class Found:
    """What a store answers, by its address, or a data directory."""

    def __init__(self, where):
        self.at = ["--router", where] if isinstance(where, str) else ["--data-dir", where, "--read-only"]
        self.export = unirust("export", *self.at, "--format", "canonical").stdout

    def applied(self):
        """The requests of which it has the marker."""
        pattern = rb'"id": "' + MARKER.encode() + rb'/judge/r(\d+)", "type": "record"'
        return {int(n) for n in re.findall(pattern, self.export)}

    def ontology(self):
        """The number of the request that brought it; None: none did."""
        shown = json.loads(unirust("ontology", "show", *self.at).stdout)
        names = [rule["name"] for rule in shown.get("constraints", []) if rule["name"].startswith("request ")]
        return int(names[0].split()[1]) if names else None

    def stats(self):
        told = json.loads(unirust("stats", "--json", *self.at).stdout)
        return tuple(told[what] for what in ("records", "entities", "conflicts", "graph_nodes", "graph_edges"))

    def declared(self):
        return json.loads(unirust("retention", "show", "--json", *self.at).stdout).get("declared")


class Judge:
    def __init__(self, journal_path):
        self.journal = Journal(journal_path)
        self.seen, self.gone = set(), set()  # requests that were applied, and that never will be
        self.ontology, self.instant = 0, None  # the request whose one was in force; what was declared
        self.erasures = set()  # requests that were applied
        self.losses = 0

    def check(self, where, copy=None):
        """`copy`: the number of the request that made it. Then of what was acknowledged since nothing need be there."""
        found, journal = Found(where), self.journal.read()
        applied = found.applied()
        acknowledged = set(journal.acknowledged) if copy is None else journal.acknowledged_before(copy)
        self._check_requests(applied, acknowledged | (self.seen if copy is None else set()))
        erased = self._erased(found)
        lines = [line for n in sorted(applied) for line in journal.lines(n) if name_of(line) not in erased]
        ontology, number = self._ontology(found, acknowledged, copy)
        declared = self._declared(found, acknowledged, copy) if journal.numbers("retention") else None
        verdict = Verdict([json.dumps(remains(line, ontology.get("retention", []), declared)) for line in lines],
                          {k: v for k, v in ontology.items() if k != "retention"})
        compare.same_lines(f"over {len(applied)} applied requests", found.export, verdict.canonical())
        compare.equal("stats", found.stats(), verdict.stats())
        if copy is None:
            self.seen, self.gone = applied, set(journal.numbers("ingest")) - applied
            self.ontology, self.instant = number, declared

    def _check_requests(self, applied, required):
        lost = required & set(self.journal.numbers("ingest")) - applied
        if lost:
            raise Lost(f"acknowledged requests are lost: {sorted(lost)[:20]}, {len(lost)} in all")
        foreign = applied - set(self.journal.sent)
        if foreign or applied & self.gone:
            raise Lost(f"requests appear that were never sent {sorted(foreign)}, or late {sorted(applied & self.gone)}")

    def _erased(self, found):
        """The names. Not of copies: an erasure is applied to what was acknowledged before."""
        for number in self.journal.numbers("erase"):
            names = self.journal.sent[number]["records"]
            there = [name for name in names if f'"id": {json.dumps(name)}'.encode() in found.export]
            if there and (number in self.journal.acknowledged or number in self.erasures):
                raise Lost(f"erased by request {number}, and there: {there[:5]}")
            if there and len(there) < len(names):
                raise Lost(f"of {names} of request {number} some are erased, and some are there: {there}")
            if not there:
                self.erasures.add(number)
        return {name for number in self.erasures for name in self.journal.sent[number]["records"]}

    def _ontology(self, found, acknowledged, copy):
        sent = self.journal.numbers("ontology")
        least = max([n for n in sent if n in acknowledged] + ([self.ontology] if copy is None else []), default=0)
        if not sent:
            return {}, 0
        number = found.ontology() or 0
        if number < least or (number and number not in sent):
            raise Lost(f"the ontology is of request {number}, but that of request {least} was in force")
        return (self.journal.sent[number]["ontology"] if number else {}), number

    def _declared(self, found, acknowledged, copy):
        sent = {n: self.journal.sent[n]["now"] for n in self.journal.numbers("retention")}
        required = [now for n, now in sent.items() if n in acknowledged]
        if copy is None and self.instant is not None:
            required.append(self.instant)
        declared = found.declared()
        if required and (declared is None or declared < max(required)):
            raise Lost(f"declared is {declared}, but {max(required)} was acknowledged")
        if declared is not None and declared > max(sent.values()):
            raise Lost(f"declared is {declared}, but {max(sent.values())} is the last that was asked for")
        return declared
