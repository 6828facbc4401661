"""A real web server before a raw one that answers as Glance does: what arrives, and what comes back.

In: the server's configuration (@PORT@, @BACKEND@ and @DIR@ stand for what is known only now) and requests.
Out: for each request the status, every Access-Control-Allow-Origin of the answer, whether a preflight's answer also
allows the upload's method and headers, and how many bytes arrived.
"""

import contextlib
import pathlib
import random
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time

ORIGIN = "https://d.example"
# What a browser adds to each request of a page of another site.
PAGE = [
    f"Origin: {ORIGIN}",
    f"Referer: {ORIGIN}/",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Accept: */*",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Priority: u=0",
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Mode: cors",
    "Sec-Fetch-Dest: empty",
]
# As long as Keystone's Fernet tokens are.
TOKEN = "g" * 183
COMMANDS = {
    "nginx": ["/usr/sbin/nginx", "-p", "@DIR@", "-c", "@DIR@/config"],
    "haproxy": ["/usr/sbin/haproxy", "-db", "-f", "@DIR@/config"],
    "httpd": ["/usr/sbin/apache2", "-DFOREGROUND", "-f", "@DIR@/config"],
    "uwsgi": ["/usr/bin/uwsgi-core", "--plugin", "http,python3", "--ini", "@DIR@/config", "--wsgi-file", "@DIR@/app.py"],
}
# What uWSGI runs in Glance's place: it reads the image as Glance does, and passes it on.
APP = """
import http.client

def application(environ, start):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    asked = http.client.HTTPConnection("@BACKEND@")
    asked.request(environ["REQUEST_METHOD"], environ["PATH_INFO"], body)
    answer = asked.getresponse()
    start(f"{answer.status} {answer.reason}", [h for h in answer.getheaders() if h[0] != "Connection"])
    return [answer.read()]
"""


def edge(server, config, requests):
    """`requests`: method, the body's size, a pause in its middle, and a delay of the backend's answer (seconds)."""
    with _backend() as backend, tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        known = {"@PORT@": str(port), "@BACKEND@": f"127.0.0.1:{backend.server_address[1]}", "@DIR@": folder}
        app = APP
        for name, value in known.items():
            config, app = config.replace(name, value), app.replace(name, value)
        # Workers run as somebody else.
        pathlib.Path(folder).chmod(0o755)
        (pathlib.Path(folder) / "config").write_text(config)
        (pathlib.Path(folder) / "app.py").write_text(app)
        command = [word.replace("@DIR@", folder) for word in COMMANDS[server]]
        log = pathlib.Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        try:
            _until_it_listens(port, process, log)
            return [_ask(port, backend, **request) for request in requests]
        finally:
            # SIGTERM makes uWSGI load its configuration again.
            process.send_signal(signal.SIGINT if server == "uwsgi" else signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


def _free_port():
    """None that the system may give to a connection of somebody else before the server listens there."""
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _until_it_listens(port, process, log):
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("nothing listens")


def _ask(port, backend, method, size=0, pause=0, delay=0):
    """One request by hand: a server may answer, or close, in the middle of it."""
    backend.arrived, backend.delay = None, delay
    lines = [f"{method} /v2/images/00000000-0000-4000-8000-000000000000/file HTTP/1.1", "Host: g.example", *PAGE, "Connection: close"]
    if method == "OPTIONS":
        lines += ["Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type,x-auth-token"]
    else:
        lines += [f"X-Auth-Token: {TOKEN}", "Content-Type: application/octet-stream", f"Content-Length: {size}"]
    answer = b""
    with socket.create_connection(("127.0.0.1", port), 30) as client, contextlib.suppress(OSError):
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        with contextlib.suppress(OSError):
            client.sendall(bytes(size // 2))
            time.sleep(pause)
            client.sendall(bytes(size - size // 2))
        while data := client.recv(65536):
            answer += data
    head = answer.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    pairs = [line.split(":", 1) for line in head[1:] if ":" in line]
    origins = [value.strip() for name, value in pairs if name.lower() == "access-control-allow-origin"]
    status = int(head[0].split()[1]) if head[0].startswith("HTTP/") else 0
    allowed = method != "OPTIONS" or _allows(pairs)
    return {"status": status, "origins": origins, "allowed": allowed, "arrived": backend.arrived}


def _allows(pairs):
    """Lists of several headers count as one (Fetch standard, extract header list values)."""

    def listed(name):
        values = [value for own, value in pairs if own.lower() == name]
        return {item.strip() for item in ",".join(values).split(",")}

    headers = {item.lower() for item in listed("access-control-allow-headers")}
    allows_headers = "*" in headers or {"content-type", "x-auth-token"} <= headers
    return allows_headers and bool({"*", "PUT"} & listed("access-control-allow-methods"))


@contextlib.contextmanager
def _backend():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Glance)
    server.daemon_threads = True
    server.arrived, server.delay = None, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _Glance(socketserver.StreamRequestHandler):
    """Grants the preflight, takes the image, and says so with one CORS header."""

    def handle(self):
        line = self.rfile.readline().decode("latin-1")
        length = 0
        while header := self.rfile.readline().strip():
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        got = 0
        with contextlib.suppress(OSError):
            while got < length and (data := self.rfile.read1(min(65536, length - got))):
                got += len(data)
        self.server.arrived = got
        time.sleep(self.server.delay)
        lines = [f"Access-Control-Allow-Origin: {ORIGIN}", "Vary: Origin"]
        if line.startswith("OPTIONS"):
            lines += ["Access-Control-Allow-Methods: PUT", "Access-Control-Allow-Headers: content-type,x-auth-token"]
        status = "200 OK" if line.startswith("OPTIONS") or got == length else "400 Bad Request"
        lines += ["Content-Length: 0", "Connection: close"]
        with contextlib.suppress(OSError):
            self.wfile.write("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode())
