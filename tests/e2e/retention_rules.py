"""What rules of retention leave of a line: the oracle's part of docs/decisions/0012-retention.md."""
from judge import MAX_TIME, MIN_TIME


def coalesced(descriptors):
    """One attribute and value after the other, overlapping and adjacent intervals joined."""
    times = {}
    for d in descriptors:
        times.setdefault((d["attr"], d["value"]), []).append((d.get("start", MIN_TIME), d.get("end", MAX_TIME)))
    out = []
    for (attr, value), intervals in times.items():
        joined = []
        for start, end in sorted(intervals):
            if joined and start <= joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], end)
            else:
                joined.append([start, end])
        out += [{"attr": attr, "value": value, "start": start, "end": end} for start, end in joined]
    return out


def remains(line, rules, now):
    """The line without what is expired at `now` (None: nothing is)."""
    def expired(d):
        return d["end"] != MAX_TIME and any(
            now > d["end"] + rule["ended_before"] for rule in rules
            if line["entity_type"] in rule.get("entity_types", [line["entity_type"]])
            and line["perspective"] in rule.get("perspectives", [line["perspective"]]))

    if now is None or line.get("op") == "delete":
        return line
    return {**line, "descriptors": [d for d in coalesced(line.get("descriptors", [])) if not expired(d)]}
