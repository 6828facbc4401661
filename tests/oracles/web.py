"""A client and small servers for a running httpd, all on the loopback interface.

In: requests, as data. Out: answers, as data. A backend answers with what reached it.
"""

import http.client
import io
import json
import socket
import socketserver
import ssl
import struct
import sysconfig
import threading
import time
import wsgiref.simple_server

import ini

TIMEOUT = 30


def request(port, method, headers, path="/", body="", chunked=False, ca=None, pause=0):
    """One request; several headers of one name are sent and reported one by one.

    `pause`: so many seconds pass between the halves of the body.
    """
    connection = _connect(port, ca)
    own_host = "host" in (name.lower() for name, _ in headers)
    connection.putrequest(method, path, skip_host=own_host, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    elif body and "content-length" not in (name.lower() for name, _ in headers):
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    if chunked:
        connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body.encode()))
    elif body:
        half = len(body) // 2
        connection.send(body[:half].encode())
        time.sleep(pause)
        connection.send(body[half:].encode())
    answer = connection.getresponse()
    text = answer.read().decode("latin-1")
    connection.close()
    return {"status": answer.status, "headers": answer.getheaders(), "body": text}


def _connect(port, ca):
    if ca is None:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = False
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT, context=context)


def stream(port, front_port, ca, chunked, path="/v2/images/1/file"):
    """Whether a body's first piece reaches the backend while the client still holds back the rest.

    `port` is where the test's httpd expects its backend; the backend answers 204 in the end.
    """
    piece = b"x" * 65536
    arrived = threading.Event()

    def backend(listener):
        connection, _ = listener.accept()
        received = b""
        ended = False
        while not ended:
            data = connection.recv(65536)
            if not data:
                return
            received += data
            if received.count(b"x") >= len(piece):
                arrived.set()
            ended = b"last" in received
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        connection.close()

    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(TIMEOUT)
        thread = threading.Thread(target=backend, args=(listener,), daemon=True)
        thread.start()
        client = _connect(front_port, ca)
        client.putrequest("PUT", path)
        if chunked:
            client.putheader("Transfer-Encoding", "chunked")
        else:
            client.putheader("Content-Length", str(len(piece) + 4))
        client.endheaders()
        client.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        streamed = arrived.wait(TIMEOUT)
        client.send(b"4\r\nlast\r\n0\r\n\r\n" if chunked else b"last")
        status = client.getresponse().status
        client.close()
        thread.join(TIMEOUT)
    return {"streamed": streamed, "status": status}


def glanceclient(port, path, version, fields, size):
    """python-glanceclient sends so many bytes, as it uploads: always in chunks. `fields` become headers of the v1
    API's manner, by its own code. Answers with the status, and the body where it is a text."""
    import glanceclient as package
    from glanceclient import exc

    client = package.Client(version, endpoint=f"http://127.0.0.1:{port}", token="t")
    headers = client.images._image_meta_to_headers(fields) if version == "1" else {}
    send = client.http_client.post if version == "1" else client.http_client.put
    headers["Content-Type"] = "application/octet-stream"
    # Its own exceptions do not tell every status.
    statuses = []
    client.http_client.session.hooks["response"].append(lambda answer, **_: statuses.append(answer.status_code))
    try:
        _, body = send(path, headers=headers, data=io.BytesIO(bytes(size)))
    except exc.HTTPException:
        body = None
    return {"status": statuses[-1], "body": body if isinstance(body, (dict, list)) else None}


def large(port, size, path, ca=None):
    """PUTs so many zeros, which take no room here. A server may answer before it has read them."""
    connection = _connect(port, ca)
    connection.putrequest("PUT", path)
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    piece = bytes(1 << 20)
    try:
        for start in range(0, size, len(piece)):
            connection.send(piece[: size - start])
    except OSError:
        pass
    answer = connection.getresponse()
    text = answer.read().decode("latin-1")
    connection.close()
    return {"status": answer.status, "headers": answer.getheaders(), "body": text}


def site_packages():
    """Where this Python has its packages."""
    return sysconfig.get_path("purelib")


def backend(kind, files=None):
    """Starts a server that runs until the oracle ends; says its port."""
    if kind == "glance":
        server = wsgiref.simple_server.make_server(
            "127.0.0.1", 0, ini.cors_filter(files), handler_class=_QuietHandler
        )
    else:
        handler = {"http": _EchoHttp, "uwsgi": _EchoUwsgi, "glance-uwsgi": _GlanceUwsgi}[kind]
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        server.application = ini.cors_filter(files) if files else None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class _QuietHandler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_):
        pass


class _EchoHttp(socketserver.StreamRequestHandler):
    """Answers with the request's head, line by line; of a PUT, how many bytes came."""

    def handle(self):
        lines = []
        while line := self.rfile.readline().strip():
            lines.append(line.decode("latin-1"))
        body = json.dumps(lines).encode()
        if lines and lines[0].startswith("PUT "):
            length = next(line for line in lines if line.lower().startswith("content-length:"))
            body = _counted(self.rfile, int(length.split(":")[1]))
        self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


class _EchoUwsgi(socketserver.StreamRequestHandler):
    """Answers with the variables of the uwsgi protocol's first packet; of a PUT, how many bytes came."""

    def handle(self):
        variables = self.variables()
        body = json.dumps(variables).encode()
        if variables["REQUEST_METHOD"] == "PUT":
            body = _counted(self.rfile, int(variables["CONTENT_LENGTH"]))
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def variables(self):
        _, size, _ = struct.unpack("<BHB", self.rfile.read(4))
        packet, variables = self.rfile.read(size), {}
        while packet:
            pair = []
            for _ in range(2):
                (length,) = struct.unpack("<H", packet[:2])
                pair.append(packet[2 : 2 + length].decode("latin-1"))
                packet = packet[2 + length :]
            variables[pair[0]] = pair[1]
        return variables


class _GlanceUwsgi(_EchoUwsgi):
    """A program behind the uwsgi protocol, as uWSGI runs one: the filter of the server."""

    def handle(self):
        head = []

        def start_response(status, headers, *_):
            head.append("HTTP/1.1 " + status)
            head.extend(f"{name}: {value}" for name, value in headers)

        environ = {**self.variables(), "wsgi.input": self.rfile, "wsgi.url_scheme": "http"}
        body = b"".join(self.server.application(environ, start_response))
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)


def _counted(body, size):
    total = 0
    while total < size and (piece := body.read(min(1 << 20, size - total))):
        total += len(piece)
    return json.dumps({"received": total}).encode()
