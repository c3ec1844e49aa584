"""Clients that no library would be: HTTP/2 by hand, thousands of them in one thread.

A client opens one connection and one call of a stream of answers, and then does one of these:

    idle      nothing, not even a call; answers pings
    unread    takes no answer: grants no window, but answers pings
    slow      takes SLOW_BYTES a second
    vanished  does nothing any more: no ping is answered
"""
import selectors
import socket
import struct
import threading
import time

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM = ACK = 1
END_HEADERS = 4
WINDOW = 65_535       # of a stream, and of a connection, that nobody has enlarged
SLOW_BYTES = 32_768
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def field(name, value):
    """A header that is neither compressed nor remembered."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def request(path, message):
    """A call with one message, on stream 1."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "test", "te": "trailers",
              "content-type": "application/grpc"}
    block = b"".join(field(name, value) for name, value in fields.items())
    body = b"\0" + struct.pack(">I", len(message)) + message
    return frame(HEADERS, END_HEADERS, 1, block) + frame(DATA, END_STREAM, 1, body)


class RawClient:
    def __init__(self, address, way, call):
        host, port = address.rsplit(":", 1)
        self.way, self.bytes, self.ended, self.closed = way, b"", None, False
        self.received = 0
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") + (b"" if way == "idle" else call))
        self.socket.setblocking(False)

    def read(self):
        """Takes in what has come. False at the end of the connection."""
        while True:
            try:
                data = self.socket.recv(1 << 18)
            except BlockingIOError:
                return True
            except OSError:
                data = b""
            if not data:
                self.ended, self.closed = self.ended or "closed", True
                return False
            self.bytes += data
            while len(self.bytes) >= 9:
                length = struct.unpack(">I", b"\0" + self.bytes[:3])[0]
                if len(self.bytes) < 9 + length:
                    break
                self.take(self.bytes[3], self.bytes[4], self.bytes[9:9 + length])
                self.bytes = self.bytes[9 + length:]

    def take(self, kind, flags, payload):
        if kind == PING and not flags & ACK:
            self.write(frame(PING, ACK, 0, payload))
        elif kind == SETTINGS and not flags & ACK:
            self.write(frame(SETTINGS, ACK, 0, b""))
        elif kind == DATA:
            self.received += len(payload)
        elif kind == RST_STREAM or (kind == HEADERS and flags & END_STREAM):
            self.ended = self.ended or "the call was ended"
        elif kind == GOAWAY:
            self.ended = self.ended or "sent away"

    def grant(self, bytes):
        """Room for so many more bytes."""
        step = struct.pack(">I", bytes)
        self.write(frame(WINDOW_UPDATE, 0, 0, step) + frame(WINDOW_UPDATE, 0, 1, step))

    def write(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            self.ended = self.ended or "closed"


class Crowd:
    """Many of them, in a thread."""

    def __init__(self, address, path, message):
        self.address, self.call = address, request(path, message)
        self.clients, self.selector, self.lock = [], selectors.DefaultSelector(), threading.Lock()
        self.stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def add(self, way, count):
        for _ in range(count):
            client = RawClient(self.address, way, self.call)
            with self.lock:
                self.clients.append(client)
                if way != "vanished":
                    self.selector.register(client.socket, selectors.EVENT_READ, client)

    def renew(self, most):
        """Those that were given up come again."""
        with self.lock:
            ended = [client for client in self.clients if client.ended is not None][:most]
            for client in ended:
                self.clients.remove(client)
                if client.way != "vanished" and client.socket.fileno() >= 0:  # else it is closed already
                    self.selector.unregister(client.socket)
                client.socket.close()
        for client in ended:
            self.add(client.way, 1)

    def _run(self):
        granted = time.monotonic()
        while not self.stopping:
            with self.lock:
                ready = self.selector.select(0)
                for key, _ in ready:
                    if not key.data.read():
                        self.selector.unregister(key.fileobj)
                        key.fileobj.close()
                if time.monotonic() - granted > 1:
                    granted = time.monotonic()
                    for client in self.clients:
                        if client.way == "slow" and client.ended is None:
                            client.grant(SLOW_BYTES)
            if not ready:
                time.sleep(0.01)

    def of(self, way):
        with self.lock:
            return [client for client in self.clients if client.way == way]

    def alive(self, way):
        """Those that nobody has ended yet. A vanished one looks only now, and it is its connection that must go."""
        clients = self.of(way)
        if way != "vanished":
            return [client for client in clients if client.ended is None]
        return [client for client in clients if not client.closed and client.read()]

    def close(self):
        self.stopping = True
        self.thread.join()
        for client in self.clients:
            client.socket.close()
        self.selector.close()
