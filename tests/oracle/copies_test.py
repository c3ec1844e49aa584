#!/usr/bin/env python3
"""Proves that this repository's copies of the normative text and of its judge are the originals.

The originals are in ../shared beside the repository; without it there is nothing to compare with, and the test is
skipped (exit status 77).
"""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
COPIES = {
    "docs/semantics.md": "spec/semantics.md",
    "docs/wire.md": "spec/wire.md",
    "tests/oracle/oracle.py": "oracle/oracle.py",
    "tests/oracle/generate.py": "oracle/generate.py",
}


def main():
    if not SHARED.is_dir():
        print(f"SKIPPED: {SHARED} is not there, so the copies cannot be compared with the originals")
        sys.exit(77)
    different = [c for c, o in COPIES.items() if (ROOT / c).read_bytes() != (SHARED / o).read_bytes()]
    for copy in different:
        print(f"{copy} differs from {SHARED / COPIES[copy]}: copy it again, unchanged")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
