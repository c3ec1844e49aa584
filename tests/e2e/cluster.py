"""A store of several parts, each a process of its own."""
import time

import grpc

import feed
import harness
from harness import LOCAL, start


class Cluster:
    """Parts, the shard that has them all, and routers, of which the client talks to the first. Number 0 is that shard;
    each comes back at its address. A store of one part lies in one directory, unless it may grow without a restart."""

    def __init__(self, directory, parts, *flags, budget="64MiB", may_grow=False, routers=1, backups=None):
        self.directory, self.flags, self.budget, self.may_grow = directory, flags, budget, may_grow
        self.backups = backups  # below it each has a directory for its own
        self.parts = [self.start_part(n, LOCAL) for n in range(1, parts)]
        self.start_shard()
        self.routers = [self.start_router(LOCAL) for _ in range(routers)]
        self.client = harness.Client(self.router.address, timeout=harness.RUN_TIMEOUT)

    @property
    def router(self):
        return self.routers[0]

    def start_router(self, listen):
        return start("unirust_router", "--shards", self.shard.address, "--listen", listen)

    def places(self, number):
        return ["--backup-dir", self.backups / f"part{number}"] if self.backups else []

    def start_part(self, number, listen, env=None, prefix=()):
        return start("unirust_shard", "--part", "--shard-id", number, "--data-dir", self.directory / f"part{number}",
                     "--memory-budget", self.budget, "--listen", listen, *self.places(number), *self.flags,
                     env=env, prefix=prefix)

    def start_shard(self, listen=LOCAL, env=None):
        parts = ["--parts-file", self.declare()] if self.parts or self.may_grow else []
        self.shard = start("unirust_shard", *parts, "--data-dir", self.directory / "part0",
                           "--memory-budget", self.budget, "--listen", listen, *self.places(0), *self.flags, env=env)

    def program(self, number):
        return self.parts[number - 1] if number else self.shard

    def restart(self, number, env=None):
        """After a kill."""
        address = self.program(number).address
        if number == 0:
            self.start_shard(address, env)
        else:
            self.parts[number - 1] = self.start_part(number, address, env)

    def restart_router(self, number):
        """After a kill."""
        self.routers[number] = self.start_router(self.routers[number].address)

    def kill_and_restart(self, number):
        self.program(number).__exit__()  # kills
        self.restart(number)

    def until_answered(self, call):
        while True:
            try:
                return call()
            except grpc.RpcError as fault:
                if fault.code() not in feed.LOST:
                    raise

    def declare(self):
        """The file of the parts that there are."""
        file, new = self.directory / "parts", self.directory / "parts.new"
        new.write_text("".join(f"{part.address}  # part {n}\n" for n, part in enumerate(self.parts, 1)))
        return new.replace(file)

    def grow(self, parts):
        """To so many, while home runs: it reads their file."""
        self.parts += [self.start_part(n, LOCAL) for n in range(len(self.parts) + 1, parts)]
        self.declare()
        while len(self.until_answered(lambda: self.client.call("GetParts")).parts) < parts:
            time.sleep(0.01)

    def resize(self, parts):
        """Home is started again, with more parts or fewer."""
        address = self.shard.address
        self.shard.stop()
        for part in self.parts[parts - 1:]:
            part.stop()
        del self.parts[parts - 1:]
        self.parts += [self.start_part(n, LOCAL) for n in range(len(self.parts) + 1, parts)]
        self.start_shard(address)

    def until_moved(self):
        while True:
            parts = self.until_answered(lambda: self.client.call("GetParts"))
            if not parts.HasField("move") and not parts.waiting:
                return parts
            time.sleep(0.01)

    def until_readable(self):
        """A part that was started again has lost the state that home read: the first read tells so."""
        self.until_answered(lambda: list(self.client.call("GetDigest")))

    def kill(self):
        self.client.close()
        for program in [self.shard, *self.parts, *self.routers]:
            program.__exit__()

    def stop(self):
        self.client.close()
        for program in [*self.routers, self.shard, *self.parts]:
            program.stop()
