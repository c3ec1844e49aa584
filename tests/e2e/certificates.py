"""Certificates for tests, made with openssl in a directory: roots, and what they vouch for."""
import os
import subprocess
from pathlib import Path


def _openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, timeout=60)


class Authority:
    """A root of its own: `pem` is what trusts it."""

    def __init__(self, directory, name):
        self.directory, self.name = Path(directory), name
        self.pem, self._key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                 "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", self._key,
                 "-out", self.pem)

    def issue(self, name, alternatives="IP:127.0.0.1,DNS:localhost"):
        """(certificate, key) for `name`; an existing pair is replaced, each file at once."""
        paths = []
        for ending in ("pem", "key", "csr", "ext"):
            paths.append(self.directory / f"{name}.new.{ending}")
        pem, key, request, extensions = paths
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", key, "-out", request)
        extensions.write_text(f"subjectAltName={alternatives},DNS:{name}\n")
        _openssl("x509", "-req", "-in", request, "-CA", self.pem, "-CAkey", self._key, "-CAcreateserial", "-days", "2",
                 "-extfile", extensions, "-out", pem)
        final = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        for new, old in zip((pem, key), final):
            os.replace(new, old)
        return final
