"""A gRPC client that knows nothing of unirust but an address.

Services, methods and messages come from server reflection (grpc.reflection.v1alpha), so this is also the proof that a
client without our code can do everything. Debian has no grpc_reflection module: its few messages are described here,
and those of the standard health service, which servers of grpc++ list without being able to describe it.

    with Client("127.0.0.1:5000") as client:
        client.call("unirust.RouterService/GetStats")
        client.call("IngestRecords", records=[{"identity": {...}}])       # by short name, where that is unambiguous
        for chunk in client.call("ScanRecords", page_size=10): ...         # streams are iterated
        client.call("ImportRecordsStream", stream=[{...}, {...}])          # request streams are lists or generators
"""
import functools

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_F = descriptor_pb2.FieldDescriptorProto


def _describe_reflection():
    """Pool with the messages of grpc.reflection.v1alpha that are used here."""
    package = "grpc.reflection.v1alpha"
    file = descriptor_pb2.FileDescriptorProto(name="reflection.proto", package=package, syntax="proto3")

    def message(name, *fields):
        entry = file.message_type.add(name=name)
        for number, field, kind, repeated in fields:
            typed = {"type": kind} if isinstance(kind, int) else {
                "type": _F.TYPE_MESSAGE, "type_name": f".{package}.{kind}"}
            entry.field.add(name=field, number=number,
                            label=_F.LABEL_REPEATED if repeated else _F.LABEL_OPTIONAL, **typed)
        return entry

    request = message(
        "ServerReflectionRequest", (1, "host", _F.TYPE_STRING, False), (3, "file_by_filename", _F.TYPE_STRING, False),
        (4, "file_containing_symbol", _F.TYPE_STRING, False), (7, "list_services", _F.TYPE_STRING, False))
    request.oneof_decl.add(name="message_request")
    for field in request.field[1:]:
        field.oneof_index = 0
    message("FileDescriptorResponse", (1, "file_descriptor_proto", _F.TYPE_BYTES, True))
    message("ServiceResponse", (1, "name", _F.TYPE_STRING, False))
    message("ListServiceResponse", (1, "service", "ServiceResponse", True))
    message("ErrorResponse", (1, "error_code", _F.TYPE_INT32, False), (2, "error_message", _F.TYPE_STRING, False))
    message(
        "ServerReflectionResponse", (4, "file_descriptor_response", "FileDescriptorResponse", False),
        (6, "list_services_response", "ListServiceResponse", False), (7, "error_response", "ErrorResponse", False))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


_REFLECTION = _describe_reflection()


def _describe_health():
    """grpc.health.v1, as published."""
    file = descriptor_pb2.FileDescriptorProto(name="health.proto", package="grpc.health.v1", syntax="proto3")
    request = file.message_type.add(name="HealthCheckRequest")
    request.field.add(name="service", number=1, type=_F.TYPE_STRING, label=_F.LABEL_OPTIONAL)
    response = file.message_type.add(name="HealthCheckResponse")
    response.field.add(name="status", number=1, type=_F.TYPE_INT32, label=_F.LABEL_OPTIONAL)  # an enum, by number
    service = file.service.add(name="Health")
    for name, streams in (("Check", False), ("Watch", True)):
        service.method.add(name=name, server_streaming=streams, input_type=".grpc.health.v1.HealthCheckRequest",
                           output_type=".grpc.health.v1.HealthCheckResponse")
    return file


_HEALTH = "grpc.health.v1.Health"


def _class_of(pool, name):
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName(name))


class Method:
    """One method of a service: how to call it."""

    def __init__(self, channel, pool, service, proto, metadata=()):
        self.name = proto.name
        self.path = f"/{service}/{proto.name}"
        self.client_streaming, self.server_streaming = proto.client_streaming, proto.server_streaming
        self.request = _class_of(pool, proto.input_type.lstrip("."))
        self.response = _class_of(pool, proto.output_type.lstrip("."))
        shape = "_".join("stream" if streaming else "unary" for streaming in (
            self.client_streaming, self.server_streaming))
        invoke = getattr(channel, shape)(
            self.path, request_serializer=self.request.SerializeToString,
            response_deserializer=self.response.FromString)
        self.invoke = functools.partial(invoke, metadata=metadata) if metadata else invoke


class Client:
    """Everything that the server at `address` offers. Safe to share among threads. By TLS with `credentials`; `token`
    and `tenant` go with every call."""

    def __init__(self, address, timeout=120, options=(), credentials=None, token=None, tenant=None):
        self.address, self.timeout = address, timeout
        # Channels of one process share their connection unless told otherwise; tests want one each.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", 64 << 20),
                   ("grpc.enable_http_proxy", 0), *options]
        self.channel = grpc.secure_channel(address, credentials, options) if credentials else grpc.insecure_channel(
            address, options)
        metadata = [("authorization", f"Bearer {token}")] if token else []
        metadata += [("unirust-tenant", tenant)] if tenant else []
        grpc.channel_ready_future(self.channel).result(timeout=timeout)
        self.services = self._list_services()
        self.files = {}
        for name in self.services:
            if name == _HEALTH:
                self.files["health.proto"] = _describe_health()
            else:
                self._load(name)
        self.pool = descriptor_pool.DescriptorPool()
        for file in self._in_order_of_dependencies():
            self.pool.Add(file)
        self.methods = {}
        for file in self.files.values():
            for service in file.service:
                full = f"{file.package}.{service.name}"
                if full in self.services:  # a file may describe services that this server lacks
                    for proto in service.method:
                        self.methods[f"{full}/{proto.name}"] = Method(
                            self.channel, self.pool, full, proto, metadata)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.channel.close()

    def method(self, name):
        """By full name, or by short name where one service alone of package unirust has it."""
        if name in self.methods:
            return self.methods[name]
        found = [m for full, m in self.methods.items() if full.startswith("unirust.") and full.endswith(f"/{name}")]
        if len(found) != 1:
            raise KeyError(f"{len(found)} methods called {name} at {self.address}, which has {self.services}")
        return found[0]

    def message(self, full_name):
        return _class_of(self.pool, full_name)

    def call(self, name, /, stream=None, timeout=None, **fields):
        """The response, or an iterator over the responses of a method that streams them."""
        method = self.method(name)
        if method.client_streaming:
            request = (part if isinstance(part, method.request) else method.request(**part) for part in stream)
        else:
            request = method.request(**fields)
        return method.invoke(request, timeout=timeout or self.timeout)

    def call_bytes(self, name, data):
        """A unary call with a request that no encoder would write."""
        method = self.method(name)
        invoke = self.channel.unary_unary(
            method.path, request_serializer=lambda b: b, response_deserializer=method.response.FromString)
        return invoke(data, timeout=self.timeout)

    # --- reflection -----------------------------------------------------------------------------

    def _reflect(self, **fields):
        request = _class_of(_REFLECTION, "grpc.reflection.v1alpha.ServerReflectionRequest")
        response = _class_of(_REFLECTION, "grpc.reflection.v1alpha.ServerReflectionResponse")
        invoke = self.channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            request_serializer=request.SerializeToString, response_deserializer=response.FromString)
        answer = next(iter(invoke(iter([request(**fields)]), timeout=self.timeout)))
        if answer.HasField("error_response"):
            raise LookupError(answer.error_response.error_message)
        return answer

    def _list_services(self):
        return [s.name for s in self._reflect(list_services="*").list_services_response.service]

    def _load(self, symbol):
        found = self._reflect(file_containing_symbol=symbol).file_descriptor_response
        self._keep(found)
        while True:
            missing = {d for f in self.files.values() for d in f.dependency} - set(self.files)
            if not missing:
                return
            for name in missing:
                self._keep(self._reflect(file_by_filename=name).file_descriptor_response)

    def _keep(self, answer):
        for data in answer.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            self.files[file.name] = file

    def _in_order_of_dependencies(self):
        done, out = set(), []

        def visit(name):
            if name not in done:
                done.add(name)
                for dependency in self.files[name].dependency:
                    visit(dependency)
                out.append(self.files[name])

        for name in sorted(self.files):
            visit(name)
        return out
