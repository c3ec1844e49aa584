#!/usr/bin/python3
"""The services that the running programs offer (by reflection) contain the tables of docs/wire.md, name by name and
number by number, and additions stay out of their way."""
import re
import unittest

from google.protobuf.descriptor import FieldDescriptor

from harness import REPO, E2eTest

FIRST_ADDITION = 100
SCALARS = {
    "string": FieldDescriptor.TYPE_STRING, "int64": FieldDescriptor.TYPE_INT64, "bool": FieldDescriptor.TYPE_BOOL,
    "uint32": FieldDescriptor.TYPE_UINT32, "uint64": FieldDescriptor.TYPE_UINT64,
}


def rows(text):
    """Cells of every table row, headings included."""
    for line in text.splitlines():
        if line.startswith("| ") and not re.fullmatch(r"[-| ]+", line):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def contract():
    """{service: {method: (request, streams, response, streams)}} and
    {message: {field: (number, type, repeated, oneof)}}."""
    text = (REPO / "docs/wire.md").read_text(encoding="utf-8").split("## Services and messages")[1]
    services, messages, current = {}, {}, None
    for part in re.split(r"### `unirust\.(\w+)`", text)[1:]:
        if re.fullmatch(r"\w+", part):
            current = services.setdefault(part, {})
            continue
        for cells in rows(part):
            if len(cells) == 3 and cells[0] != "method":
                streams = [c.startswith("stream ") for c in cells[1:]]
                names = [c.removeprefix("stream ") for c in cells[1:]]
                current[cells[0]] = (names[0], streams[0], names[1], streams[1])
            elif len(cells) == 2 and cells[0] != "message":
                messages[cells[0]] = fields_of(cells[1])
    return services, messages


def fields_of(cell):
    if cell == "(none)" or cell.startswith("field 1 reserved"):
        return {}
    oneof = re.match(r"oneof (\w+): (.*)", cell)
    out = {}
    for entry in re.split(r"[;,] ", oneof.group(2) if oneof else cell):
        name, *repeated, kind, number = entry.split()
        out[name] = (int(number), kind, repeated == ["repeated"], oneof.group(1) if oneof else None)
    return out


def described(field):
    kind = next((name for name, number in SCALARS.items() if number == field.type), None)
    if kind is None:
        kind = (field.message_type or field.enum_type).name
    oneof = field.containing_oneof
    real = oneof is not None and not oneof.name.startswith("_")  # not the one of an `optional` field
    return field.number, kind, field.label == FieldDescriptor.LABEL_REPEATED, oneof.name if real else None


class WireContractTest(E2eTest):
    def setUp(self):
        super().setUp()
        self.services, self.messages = contract()
        self.client = {"RouterService": self.store("router", data_dir=self.dir / "a").client,
                       "ShardService": self.store("shard", data_dir=self.dir / "b").client}

    def test_the_tables_were_read(self):
        self.assertEqual({name: len(methods) for name, methods in self.services.items()},
                         {"RouterService": 17, "ShardService": 17})
        self.assertGreater(len(self.messages), 50)

    def test_every_method(self):
        for service, methods in self.services.items():
            for name, expected in methods.items():
                with self.subTest(f"{service}/{name}"):
                    method = self.client[service].methods[f"unirust.{service}/{name}"]
                    found = (method.request.DESCRIPTOR.full_name, method.client_streaming,
                             method.response.DESCRIPTOR.full_name, method.server_streaming)
                    request, requests, response, responses = expected
                    self.assertEqual(found, (f"unirust.{request}", requests, f"unirust.{response}", responses))

    def test_every_message_and_field(self):
        for client in self.client.values():
            for name, expected in self.messages.items():
                with self.subTest(name):
                    descriptor = client.message(f"unirust.{name}").DESCRIPTOR
                    found = {f.name: described(f) for f in descriptor.fields}
                    self.assertEqual({k: v for k, v in found.items() if k in expected}, expected)
                    if expected:  # the messages of the contract grow from 100 up
                        added = [number for k, (number, *_) in found.items() if k not in expected]
                        self.assertTrue(all(number >= FIRST_ADDITION for number in added), found)

    def test_constraint_kinds(self):
        for client in self.client.values():
            kinds = client.pool.FindEnumTypeByName("unirust.ConstraintKind").values_by_name
            numbers = {name: value.number for name, value in kinds.items()}
            self.assertEqual(numbers["UNIQUE"], 1)
            self.assertEqual(numbers["UNIQUE_WITHIN_PERSPECTIVE"], 2)
            self.assertEqual([n for n in numbers.values() if n not in (1, 2)], [0])

    def test_reserved_field_of_reconcile(self):
        for client in self.client.values():
            file = next(f for f in client.files.values() if f.package == "unirust")
            message = next(m for m in file.message_type if m.name == "ReconcileRequest")
            self.assertTrue(any(r.start <= 1 < r.end for r in message.reserved_range))


if __name__ == "__main__":
    unittest.main(verbosity=2)
