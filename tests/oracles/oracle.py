"""Answers the tests' questions with the real programs that read our files.

In: one JSON object a line, {"ask": NAME, ...}. Out: one JSON object a line, {"answer": ...} or
{"error": "..."}. Ends with its standard input.
"""

import json
import sys
import traceback

import deployers
import edge
import glance_options
import ini
import pipeline
import sarif
import snippet
import stores
import swift_proxy
import web

QUESTIONS = {
    "parse": ini.parse,
    "values": ini.values,
    "cors": ini.cors,
    "pipeline": pipeline.pipeline,
    "options": glance_options.values,
    "enforce": glance_options.enforce,
    "expressions": glance_options.parses,
    "deployed": deployers.deployed,
    "deployed_api": deployers.deployed_api,
    "edge": edge.edge,
    "sarif": sarif.faults,
    "literals": snippet.literals,
    "folded": snippet.folded,
    "settings": snippet.settings,
    "stores": stores.options,
    "swift": swift_proxy.proxy,
    "tokens": snippet.tokens,
    "backend": web.backend,
    "glanceclient": web.glanceclient,
    "request": web.request,
    "stream": web.stream,
    "large": web.large,
    "site_packages": web.site_packages,
}


def main():
    for line in sys.stdin:
        question = json.loads(line)
        try:
            reply = {"answer": QUESTIONS[question.pop("ask")](**question)}
        except Exception:  # whatever it was, the test shall show it
            reply = {"error": traceback.format_exc()}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
