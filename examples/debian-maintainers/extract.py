#!/usr/bin/env python3
"""Turns the changelogs that every Debian machine holds into records for unirust, as JSON Lines.

    extract.py [--doc /usr/share/doc] > records.jsonl

One record per source package and signer (name and address as signed). The package is the perspective: each changelog is
a source that speaks for itself. Only the standard library; the output is the same for the same files.

  email         the address; always (an address does not change its owner)
  debian_login  the local part of an address @debian.org; always
  name          as signed, from the first such entry in this changelog on, until a later claim says otherwise
  package       what the person worked on: from the first to the last entry

Times are days, YYYYMMDD as integers.
"""
import argparse
import datetime
import email.utils
import gzip
import json
import re
import sys
from pathlib import Path

HEADER = re.compile(r"(?P<source>[A-Za-z0-9][A-Za-z0-9+.-]+) \((?P<version>[^()\s]+)\)[^;]*;")
TRAILER = re.compile(r" -- (?P<name>.*?) <(?P<address>[^<>\s]+)>  ?(?P<date>\S.*\S)\s*$")


def day_of(text):
    """The day of an RFC 2822 date, or None if it is not one."""
    try:
        return email.utils.parsedate_to_datetime(text).date()
    except (ValueError, TypeError, IndexError):
        return None


def entries(path):
    """(source package, name, address, day) of each signed entry of one changelog, read line by line."""
    source = None
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if found := HEADER.match(line):
                source = found["source"]
            elif source and (found := TRAILER.match(line)):
                day = day_of(found["date"])
                name = " ".join(found["name"].strip('"').split())
                if day and name and "\ufffd" not in line:
                    yield source, name, found["address"].lower(), day
                source = None


def number(day):
    return day.year * 10000 + day.month * 100 + day.day


def record(source, name, address, first, last):
    span = {"start": number(first), "end": number(last + datetime.timedelta(days=1))}
    login, _, domain = address.partition("@")
    descriptors = [{"attr": "email", "value": address}]
    if domain == "debian.org":
        descriptors.append({"attr": "debian_login", "value": login})
    descriptors.append({"attr": "name", "value": name, "start": span["start"]})
    descriptors.append({"attr": "package", "value": source, **span})
    return {"entity_type": "person", "perspective": source, "uid": f"{name} <{address}>", "descriptors": descriptors}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--doc", type=Path, default=Path("/usr/share/doc"), help="where the packages' documents are")
    args = parser.parse_args()
    spans = {}  # binary packages of one source share its changelog, so entries repeat
    for path in sorted(args.doc.glob("*/changelog*.gz")):
        try:
            for source, name, address, day in entries(path):
                first, last = spans.get((source, name, address), (day, day))
                spans[source, name, address] = min(first, day), max(last, day)
        except (OSError, EOFError) as fault:
            print(f"extract.py: {path}: {fault}", file=sys.stderr)
    for (source, name, address), (first, last) in sorted(spans.items()):
        print(json.dumps(record(source, name, address, first, last), ensure_ascii=False))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main()
