"""Glance and Horizon as far as the commands in docs/ ask them, behind the httpd of the page's cloud.

glance.py CLOUD   listens on a free port of 127.0.0.1, which it writes to CLOUD/port

Before Glance stands the CORS filter of oslo.middleware itself. It finds its files by its own search
path, below the home, and does so for each request, as if Glance were restarted before.
"""

import http.server
import os
import sys
import wsgiref.simple_server

from oslo_middleware import cors

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../oracles"))
import glance_cors  # noqa: E402

CLOUD = sys.argv[1]
os.environ["HOME"] = CLOUD  # ~/.glance leads to the cloud's /etc/glance

cors.set_defaults(**glance_cors.DEFAULTS)


def glance(environ, start_response):
    status = "300 Multiple Choices" if environ["PATH_INFO"] == "/" else "404 Not Found"
    if environ["REQUEST_METHOD"] == "PUT":
        remaining = int(environ.get("CONTENT_LENGTH") or 0)
        while remaining and (piece := environ["wsgi.input"].read(min(remaining, 1 << 16))):
            remaining -= len(piece)
        status = "204 No Content" if environ.get("HTTP_X_AUTH_TOKEN") == "valid" else "401 Unauthorized"
    headers = [("Content-Type", "application/json"), ("Content-Length", "0")]
    if status.startswith("401"):
        headers.append(("WWW-Authenticate", 'Keystone uri="https://keystone.example.com/v3"'))
    start_response(status, headers)
    return [b""]


def horizon(_, start_response):
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", "0")])
    return [b""]


def cloud(environ, start_response):
    if environ.get("HTTP_HOST", "").startswith("horizon"):
        return horizon(environ, start_response)
    filtered = cors.filter_factory({}, oslo_config_project="glance", oslo_config_program="glance-api")(glance)
    return filtered(environ, start_response)


# As Glance's own server: it does not name itself.
wsgiref.simple_server.ServerHandler.server_software = None


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


with Server(("127.0.0.1", 0), Handler) as server:
    server.set_app(cloud)
    with open(os.path.join(CLOUD, "port.new"), "w", encoding="ascii") as file:
        file.write(str(server.server_port))
    os.rename(file.name, os.path.join(CLOUD, "port"))
    server.serve_forever()
