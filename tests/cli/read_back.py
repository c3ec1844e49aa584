#!/usr/bin/env python3
"""Reads an exported graph with parsers that are not ours and prints what they see as JSON lines, ASCII only.

    read_back.py graphml|html|csv|dot FILE
"""
import csv
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"
SVG = "{http://www.w3.org/2000/svg}"


def graphml(path):
    graph = ElementTree.parse(path).getroot().find(f"{GRAPHML}graph")
    for element in graph:
        data = {d.get("key"): d.text or "" for d in element.findall(f"{GRAPHML}data")}
        yield {**element.attrib, **data}


def html(path):
    for text in ElementTree.parse(path).getroot().iter(f"{SVG}title"):
        yield text.text


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file, strict=True)


def dot(path):
    """The labels as Graphviz draws them, one string a node or edge."""
    done = subprocess.run(["dot", "-Tsvg", path], stdout=subprocess.PIPE, check=True)
    for group in ElementTree.fromstring(done.stdout).iter(f"{SVG}g"):
        if group.get("class") in ("node", "edge"):
            yield [text.text for text in group.findall(f"{SVG}text")]


def main():
    readers = {"graphml": graphml, "html": html, "csv": rows, "dot": dot}
    for item in readers[sys.argv[1]](sys.argv[2]):
        print(json.dumps(item, sort_keys=True))


if __name__ == "__main__":
    main()
