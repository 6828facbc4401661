"""Python itself, used as Horizon uses it.

In: literals and snippets. Out: the values that Python makes of them.
"""

import ast
import io
import os
import tokenize
import unittest.mock


def literals(texts):
    """What each text says; a tuple comes back as {"tuple": [...]}."""
    return [_plain(ast.literal_eval(text)) for text in texts]


def settings(before, snippet, times):
    """The names that stand in Horizon's settings after the snippet has run among them.

    As openstack_dashboard/settings.py does: the text is handed to exec() at module level, once for
    each time that os.walk finds the file; an exception would be logged and swallowed, here it is
    an error.
    """
    ast.parse(snippet)
    snippet.encode("ascii")
    module = {"__name__": "openstack_dashboard.settings"}
    exec(before, module)
    for _ in range(times):
        exec(snippet, module)
    return {name: _plain(value) for name, value in module.items() if not name.startswith("__")}


def tokens(text):
    """The text's tokens without comments and blank lines."""
    skipped = (tokenize.COMMENT, tokenize.NL)
    read = tokenize.generate_tokens(io.StringIO(text).readline)
    return [[token.type, token.string] for token in read if token.type not in skipped]


def _plain(value):
    if isinstance(value, tuple):
        return {"tuple": [_plain(item) for item in value]}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def folded(text):
    """What a settings file leaves behind where nothing is set in the environment: each upper-case
    name whose value JSON can hold, and the exception that ended it."""
    names = {"_": str}
    ended = None
    try:
        with unittest.mock.patch.dict(os.environ, clear=True):
            exec(compile(text, "settings", "exec"), names)  # tests only: the texts are the test's own
    except Exception as error:
        ended = type(error).__name__
    values = {}
    for name, value in names.items():
        if name.isupper():
            values[name] = list(value) if isinstance(value, tuple) else value
    return {"values": values, "ended": ended}
