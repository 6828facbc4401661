#!/usr/bin/env python3
"""Stands where Glance would: nobody else answers in a cluster without a kubelet.

A proxy on loopback that leads every https host name to itself, and there answers preflights as
oslo.middleware's CORS filter would with the [cors] section that Glance's Deployment mounts now.

edge.py FOLDER   FOLDER/edge.pem and edge.key are its certificate; writes its port to FOLDER/edge.port
"""
import configparser
import json
import os
import socketserver
import ssl
import subprocess
import sys
from typing import BinaryIO, NamedTuple


class Request(NamedTuple):
    host: str
    method: str
    path: str
    # By name in lower case.
    headers: dict[str, str]
    body: BinaryIO


def get(path):
    """An object of the API server. A path needs no discovery, so that an answer does not wait for it."""
    return json.loads(subprocess.check_output(["kubectl", "get", "--raw", path]))


def cors():
    """The [cors] section in use; empty where none is mounted."""
    deployment = get("/apis/apps/v1/namespaces/openstack/deployments/glance")
    volumes = deployment["spec"]["template"]["spec"].get("volumes", [])
    ours = [v["configMap"]["name"] for v in volumes if v["name"] == "direct-upload"]
    if not ours:
        return {}
    ini = configparser.ConfigParser(interpolation=None)
    ini.read_string("\n".join(get(f"/api/v1/namespaces/openstack/configmaps/{ours[0]}")["data"].values()))
    return {name: [item.strip() for item in value.split(",")] for name, value in ini["cors"].items()}


def head(stream):
    """The request's method and path, and its header lines by name in lower case."""
    method, path, _ = f"{stream.readline().decode('latin-1')}  ".split(" ", 2)
    lines = iter(stream.readline, b"\r\n")
    fields = (line.decode("latin-1").partition(":") for line in lines if line)
    return method, path, {n.strip().lower(): v.strip() for n, _, v in fields}


def response(status, *lines, body=""):
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", body]).encode()


def granted(request, options):
    """The lines that let a page of this origin read the answer; none for an origin that is not accepted."""
    origin = request.headers.get("origin")
    if origin not in options.get("allowed_origin", []):
        return []
    return ["Vary: Origin", f"Access-Control-Allow-Origin: {origin}", "Access-Control-Allow-Credentials: true"]


class Edge(socketserver.StreamRequestHandler):
    def handle(self):
        _, target, _ = head(self.rfile)
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self.server.tls.wrap_socket(self.connection, server_side=True) as secure, secure.makefile("rb") as stream:
            if answer := self.answer(Request(target.rpartition(":")[0], *head(stream), stream)):
                secure.sendall(answer)

    def answer(self, request):
        """The bytes of the answer; none to close the connection without one."""
        if request.method == "GET":
            # Horizon's login page: the dashboard is here, too.
            return response("200 OK", body="<title>Login - OpenStack Horizon</title>")
        options = cors()
        common = granted(request, options)
        if request.method == "PUT":
            # The token check, behind the CORS filter.
            return response("401 Unauthorized", "WWW-Authenticate: Keystone uri='https://keystone'", *common)
        method = request.headers.get("access-control-request-method")
        names = request.headers.get("access-control-request-headers", "")
        allowed = [name.lower() for name in options.get("allow_headers", [])] + ["content-type"]
        if (
            common
            and method in options.get("allow_methods", ["PUT"])
            and all(name in allowed for name in names.split(",") if name)
        ):
            common += [f"Access-Control-Allow-Methods: {method}", f"Access-Control-Allow-Headers: {names}"]
        else:
            common = []
        return response("200 OK", *common)


def serve(folder, handler):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(f"{folder}/edge.pem", f"{folder}/edge.key")
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.tls = tls
        with open(f"{folder}/edge.port.new", "w", encoding="ascii") as file:
            file.write(f"{server.server_address[1]}\n")
        os.rename(file.name, f"{folder}/edge.port")
        server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], Edge)
