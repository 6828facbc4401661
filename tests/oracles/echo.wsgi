"""Answers with what mod_wsgi hands to a WSGI program; also plays a program that sets CORS headers.

A query of `set=NAME:VALUE` (repeatable) makes it set response headers, `status=…` its status.
"""

import json
import urllib.parse


def _count(body):
    total = 0
    while piece := body.read(1 << 20):
        total += len(piece)
    return total


def application(environ, start_response):
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
    received = _count(environ["wsgi.input"]) if "read" in query else 0
    plain = {key: value for key, value in environ.items() if isinstance(value, str)}
    body = json.dumps({"environ": plain, "received": received}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    headers += [tuple(item.split(":", 1)) for item in query.get("set", [])]
    start_response(query.get("status", ["200 OK"])[0], headers)
    return [body]
