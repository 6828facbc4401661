"""The two servers of every case: the dashboard's page, and raw bytes in Glance's place.

What a request gets depends on its method and the first part of its path alone, so that one listener
serves all cases; a PUT that arrives is the proof that a browser let the upload through.
"""

import contextlib
import socket
import ssl
import threading
from collections import defaultdict
from pathlib import Path

PAGE = (Path(__file__).parent / "page.html").read_bytes()


class Web:
    """Listeners on loopback, and what they were asked."""

    def __init__(self, answers: dict[str, bytes]):
        self.answers = answers
        # By case: the answer to the upload itself, where that is not a good one.
        self.uploads: dict[str, bytes] = {}
        # By case: the heads of its requests, in the order in which they came.
        self.asked: dict[str, list[str]] = defaultdict(list)
        self.lock = threading.Lock()

    def listen(self, context: ssl.SSLContext | None = None) -> int:
        """Opens one more port, by TLS if there is a context."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        threading.Thread(target=self._accept, args=(listener, context), daemon=True).start()
        return listener.getsockname()[1]

    def _accept(self, listener, context):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._serve, args=(connection, context), daemon=True).start()

    def _serve(self, connection, context):
        # A client that leaves, or refuses the certificate, is not an error.
        with contextlib.suppress(OSError), connection:
            if context is None:
                self._exchange(connection)
                return
            with context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secured:
                try:
                    secured.do_handshake()
                except ssl.SSLError:
                    # To close while data is unread would reset the connection, and the alert could get lost.
                    secured.shutdown(socket.SHUT_WR)
                    while secured.recv(65536):
                        pass
                    return
                self._exchange(secured)
                secured.unwrap()

    def _exchange(self, connection):
        head, body = b"", b""
        while b"\r\n\r\n" not in head:
            if not (data := connection.recv(65536)):
                return
            head += data
            if not head[:1].isalpha():
                # Another protocol: as web servers answer it.
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                return
        head, body = head.split(b"\r\n\r\n", 1)
        head = head.decode("latin-1")
        while len(body) < int(header(head, "Content-Length") or 0):
            body += connection.recv(65536)
        method, path, _ = head.split("\r\n")[0].split(" ")
        case = path.split("/")[1]
        with self.lock:
            self.asked[case].append(head)
        connection.sendall(self._answer(method, case, head))

    def _answer(self, method, case, head):
        if method == "OPTIONS":
            return self.answers[case]
        if method in ("PUT", "POST"):
            if case in self.uploads:
                return self.uploads[case]
            origin = header(head, "Origin")
            return (
                f"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: {origin}\r\n"
                "Access-Control-Allow-Credentials: true\r\nConnection: close\r\n\r\n"
            ).encode()
        if case and case != "csp":
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\nConnection: close\r\n"
        if case:
            head += "Content-Security-Policy: connect-src 'self'\r\n"
        return head.encode() + b"\r\n" + PAGE

    def take(self, case: str) -> list[str]:
        """The heads of the case's requests since the last call."""
        with self.lock:
            return self.asked.pop(case, [])


def context(certificates: Path, key: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificates, key)
    made.set_alpn_protocols(["http/1.1"])
    return made


def header(head: str, name: str) -> str | None:
    for line in head.split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name.lower():
            return value.strip()
    return None
