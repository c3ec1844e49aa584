#!/usr/bin/env python3
"""The house rules that a machine can check: sizes, names, layers, third-party headers, paths of one machine.

The layer table is the one in docs/architecture.md, so the document and the code cannot drift apart.
"""
import ast
import re
import subprocess
import tomllib
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
CODE_COLUMNS_MAX = 100
TEXT_COLUMNS_MAX = 120  # comments, tests, Python, CMake, proto
COPIES = ("docs/semantics.md", "docs/wire.md", "tests/oracle/")  # kept as they are by tests/oracle/copies_test.py
PROTOBUF_FOLDERS = ("peer", "proto", "rpc", "shard", "router", "cli", "bench")
NOT_A_FUNCTION = r"\s*(namespace|class|struct|enum|union|extern|using|typedef|public|private)\b"
UNCHECKED_FOLDERS = ("tests",)  # may include anything


def tracked(*suffixes):
    """Files that are in the repository or about to be, by relative path."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise unittest.SkipTest("not a git work tree")
    names = [n for n in done.stdout.splitlines() if (ROOT / n).is_file() and not n.startswith(COPIES)]
    return [n for n in names if n.endswith(suffixes)]


def lines_of(name):
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def layers():
    """{folder: folders that it may include}, from docs/architecture.md."""
    out = {}
    for line in lines_of("docs/architecture.md"):
        found = re.fullmatch(r"\| `(\w+)/` \|.*\|([^|]*)\|", line)
        if found:
            out[found.group(1)] = set(found.group(2).replace(",", " ").split())
    return out


def includes(name):
    """[(line number, what, is quoted)] of a C++ file."""
    for number, line in enumerate(lines_of(name), 1):
        found = re.match(r'\s*#include\s+(["<])([^">]+)[">]', line)
        if found:
            yield number, found.group(2), found.group(1) == '"'


def cpp_functions(name):
    """[(first line, last line)] of the functions of a formatted C++ file: bodies that open at depth 0 or 2."""
    lines, number = lines_of(name), 0
    while number < len(lines):
        first, statement = number, lines[number]
        opener = re.match(r"( {0,2}|    )[A-Za-z_~\[(:]", statement)
        number += 1
        if not opener or re.match(NOT_A_FUNCTION, statement):
            continue
        while number < len(lines) and not re.search(r"[;{}:]\s*(//.*)?$", statement):
            statement = lines[number]
            number += 1
        if not re.search(r"\{\s*(//.*)?$", statement):
            continue
        indent = opener.group(1)
        while number < len(lines) and not lines[number].startswith(indent + "}"):
            number += 1
        yield first + 1, number + 1


def python_functions(name):
    for node in ast.walk(ast.parse("\n".join(lines_of(name)))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno


class StyleTest(unittest.TestCase):
    def none(self, faults):
        faults = list(faults)
        self.assertEqual(faults, [], "\n" + "\n".join(faults))

    def test_files_are_short(self):
        names = tracked(".h", ".cc", ".proto", ".py", ".cmake", "CMakeLists.txt", ".sh")
        self.none(f"{n}: {len(lines_of(n))} lines > {FILE_LINES_MAX}: split it by role" for n in names
                  if len(lines_of(n)) > FILE_LINES_MAX)

    def test_functions_are_short(self):
        found = 0
        faults = []
        for suffix, functions in ((".cc", cpp_functions), (".h", cpp_functions), (".py", python_functions)):
            for name in tracked(suffix):
                for first, last in functions(name):
                    found += 1
                    if last - first + 1 > FUNCTION_LINES_MAX:
                        faults.append(f"{name}:{first}: {last - first + 1} lines > {FUNCTION_LINES_MAX}")
        self.assertGreater(found, 300, "the scanner sees functions")
        self.none(faults)

    def test_lines_are_short(self):
        faults = []
        for name in tracked(".h", ".cc", ".py", ".proto", ".cmake", "CMakeLists.txt"):
            for number, line in enumerate(lines_of(name), 1):
                code = name.endswith((".h", ".cc")) and not name.startswith("tests/") and "//" not in line
                limit = CODE_COLUMNS_MAX if code else TEXT_COLUMNS_MAX
                if len(line) > limit:
                    faults.append(f"{name}:{number}: {len(line)} columns > {limit}")
        self.none(faults)

    def test_no_white_space_at_line_ends_and_no_tabs(self):
        faults = []
        for name in tracked(".h", ".cc", ".py", ".proto", ".cmake", "CMakeLists.txt", ".md"):
            for number, line in enumerate(lines_of(name), 1):
                if line != line.rstrip() or "\t" in line:
                    faults.append(f"{name}:{number}: a tab, or white space at the end")
        self.none(faults)

    def test_file_names(self):
        names = tracked(".h", ".cc", ".py", ".proto")
        self.none(f"{n}: lower_case_with_underscores" for n in names
                  if not re.fullmatch(r"[a-z0-9_]+\.\w+", Path(n).name))
        self.none(f"{n}: .h and .cc only" for n in tracked(".hpp", ".cpp", ".cxx", ".hh", ".c"))
        tests = [n for n in tracked(".cc") if n.startswith("tests/") and "TEST" in (ROOT / n).read_text()]
        self.none(f"{n}: a test is called *_test.cc" for n in tests if re.search(r"^TEST", (ROOT / n).read_text(), re.M)
                  and not n.endswith("_test.cc"))

    def test_headers_begin_with_a_comment_and_pragma_once(self):
        for name in tracked(".h"):
            with self.subTest(name):
                lines = lines_of(name)
                self.assertTrue(lines and lines[0].startswith("//"), "a header opens with what it is for")
                self.assertIn("#pragma once", lines)

    def test_every_folder_is_in_the_layer_table(self):
        folders = {n.split("/")[0] for n in tracked(".h", ".cc") if "/" in n} - set(UNCHECKED_FOLDERS)
        self.assertEqual(folders - set(layers()), set())

    def test_includes_obey_the_layer_table(self):
        table, faults = layers(), []
        for name in tracked(".h", ".cc"):
            folder = name.split("/")[0]
            for number, path, quoted in includes(name):
                other = path.split("/")[0]
                if quoted and other in table and folder in table and other != folder and other not in table[folder]:
                    faults.append(f"{name}:{number}: {folder}/ may not include {other}/")
                if quoted and "/" not in path:
                    faults.append(f'{name}:{number}: "{path}": name the folder')
        self.none(faults)

    def test_cmake_dependencies_obey_the_layer_table(self):
        table, faults = layers(), []
        for name in tracked("CMakeLists.txt"):
            folder, text = name.split("/")[0], (ROOT / name).read_text()
            found = re.search(r"unirust_library\((\w+)[^)]*?\bDEPS\s+([\w\s]*?)(?:\bLIBS\b|\))", text)
            if folder in table and found:
                faults += [f"{name}: {folder}/ may not depend on {d}/" for d in found.group(2).split()
                           if d in table and d not in table[folder]]
        self.none(faults)

    def test_the_layer_table_has_no_cycle(self):
        table, done = layers(), set()
        while len(done) < len(table):
            free = {f for f in set(table) - done if table[f] <= done}
            self.assertTrue(free, f"a cycle among {sorted(set(table) - done)}")
            done |= free

    def test_rocksdb_stays_in_the_sources_of_store(self):
        allowed = re.compile(r"(tests/)?store/(\w+\.cc|rocks_\w+\.h)")
        self.none(f"{name}:{number}: {path}" for name in tracked(".h", ".cc") for number, path, _ in includes(name)
                  if path.startswith("rocksdb/") and not allowed.fullmatch(name))

    def test_protobuf_stays_at_the_edges(self):
        faults = []
        for name in tracked(".h", ".cc"):
            folder = name.split("/")[0]
            for number, path, _ in includes(name):
                wire = path.endswith(".pb.h") or path.startswith(("google/protobuf/", "grpc"))
                if wire and folder not in (*PROTOBUF_FOLDERS, "tests"):
                    faults.append(f"{name}:{number}: {path}")
        self.none(faults)

    def test_no_paths_of_one_machine(self):
        # Spelled so that this file does not find itself.
        hosts = "[.]libr" + "ary|deb[.]deb" + "ian|regis" + "try[.]npm"
        pattern = re.compile("/wor" + "k/|/far" + "m/|/hom" + "e/[a-z]|" + hosts)
        faults = []
        for name in tracked(""):
            try:
                text = lines_of(name)
            except UnicodeDecodeError:
                continue
            faults += [f"{name}:{n}: {line[:80]}" for n, line in enumerate(text, 1) if pattern.search(line)]
        self.none(faults)

    def test_deliberate_breaks_fit_the_code(self):
        """What tests/mutants.toml would change is there, once."""
        mutants = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text())["mutant"]
        self.assertEqual([m["name"] for m in mutants if (ROOT / m["file"]).read_text().count(m["old"]) != 1], [])

    def test_nothing_is_left_for_later(self):
        pattern = re.compile("TO" + "DO|FIX" + "ME|\\bXX" + "X\\b|HA" + "CK|not implem" + "ented yet", re.I)
        self.none(f"{name}:{n}: {line.strip()[:80]}" for name in tracked(".h", ".cc", ".py", ".proto", ".txt", ".cmake")
                  for n, line in enumerate(lines_of(name), 1) if pattern.search(line))


if __name__ == "__main__":
    unittest.main(verbosity=1)
