"""Answers with what mod_wsgi hands to a WSGI program; also plays a program that sets CORS headers.

A query of `set=NAME:VALUE` (repeatable) makes it set response headers, `status=…` its status.
"""

import json
import urllib.parse


def application(environ, start_response):
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
    received = environ["wsgi.input"].read() if "read" in query else b""
    plain = {key: value for key, value in environ.items() if isinstance(value, str)}
    body = json.dumps({"environ": plain, "received": len(received)}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    headers += [tuple(item.split(":", 1)) for item in query.get("set", [])]
    start_response(query.get("status", ["200 OK"])[0], headers)
    return [body]
