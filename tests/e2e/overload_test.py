#!/usr/bin/python3
"""A store that is asked for more than it can do, in short (docs/reliability.md, Overload; scripts/overload takes
longer). Latencies are not judged here: who is answered what, how many streams run, memory, and what is left."""
import collections
import json
import unittest

import grpc

import overload
import watch
from harness import RUN_TIMEOUT, E2eTest
from overload_clients import INGEST

LARGE = 64             # clients that send a large request each
RECORDS = 12_000       # of it: 1.8 MB, which become many small objects
DESCRIPTORS = 8
LARGE_MIB = 1100       # that they may take in streams, mostly for one commit; all decoded at once take twice as much


class OverloadTest(E2eTest):
    def test_clients_that_behave_are_served_and_the_others_refused(self):
        faults, done = overload.run(self.dir, seconds=12, connections=400, times=8, tell=lambda *_, **__: None)
        self.assertEqual(faults, [], json.dumps(done.figures))

    def test_large_requests_at_once_are_decoded_one_after_the_other(self):
        running = self.store("serve", "--memory-budget", f"{overload.BUDGET_MIB}MiB")
        method = running.client.method(INGEST)
        values = [{"attr": f"a{n}", "value": "x", "start": 0, "end": 5} for n in range(DESCRIPTORS)]
        request = method.request(records=[
            {"index": n, "identity": {"entity_type": "person", "perspective": "crm", "uid": f"{n}"},
             "descriptors": values} for n in range(RECORDS)]).SerializeToString()
        channels = [grpc.insecure_channel(running.address, options=[("grpc.use_local_subchannel_pool", 1)])
                    for _ in range(LARGE)]
        streams = [channel.stream_stream(method.path + "Stream")(iter([request]), timeout=RUN_TIMEOUT)
                   for channel in channels]
        self.assertEqual([len(list(stream)) for stream in streams], [1] * LARGE)
        self.assertLess(watch.resident_mib(running.programs[0].process.pid, most=True), LARGE_MIB)

        calls = [channel.unary_unary(method.path).future(request, timeout=RUN_TIMEOUT) for channel in channels]
        answers = collections.Counter(
            (call.code(), "retry-after-ms" in dict(call.trailing_metadata())) for call in calls)
        taken = answers.pop((grpc.StatusCode.OK, False))
        self.assertEqual(answers, {(grpc.StatusCode.RESOURCE_EXHAUSTED, True): LARGE - taken})
        self.assertLess(watch.resident_mib(running.programs[0].process.pid, most=True), LARGE_MIB)


if __name__ == "__main__":
    unittest.main(verbosity=2)
