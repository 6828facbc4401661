"""oslo.config and the CORS filter of oslo.middleware.

In: the text of ini files. Out: what the programs make of them.
"""

import os
import tempfile

import glance_cors
import webob
from oslo_config import cfg
from oslo_middleware import cors as cors_middleware

# Our section must not fall behind what Glance says itself.
cors_middleware.set_defaults(**glance_cors.DEFAULTS)


def _write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # Bytes: no newline is to be translated on the way.
    with open(path, "wb") as file:
        file.write(text.encode())
    return path


def parse(text):
    """The raw sections of a file as oslo.config's parser collects them, or None if it refuses."""
    with tempfile.TemporaryDirectory() as folder:
        sections, normalized = {}, {}
        parser = cfg.ConfigParser(_write(folder, "a.conf", text), sections)
        parser._add_normalized(normalized)
        try:
            parser.parse()
        except cfg.ParseError:
            return None
        return {section: options for section, options in normalized.items() if options}


def values(text, options):
    """The values of options, each (section, name, "str" or "list"); None for one not readable."""
    with tempfile.TemporaryDirectory() as folder:
        conf = cfg.ConfigOpts()
        for section, name, kind in options:
            option = cfg.ListOpt(name) if kind == "list" else cfg.StrOpt(name)
            conf.register_opt(option, group=section)
        conf([], default_config_files=[_write(folder, "a.conf", text)], default_config_dirs=[])
        return [_value(conf, section, name) for section, name, _ in options]


def _value(conf, section, name):
    try:
        return conf[section][name]
    except cfg.Error:
        return None


def _app(environ, start_response):
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("204 No Content", [("X-OpenStack-Request-ID", "req-1")])
    return [b""]


def cors_filter(files):
    """The filter as Glance's paste file makes it: it finds its files by itself below the home."""
    with tempfile.TemporaryDirectory() as home:
        for name, text in files.items():
            _write(home, os.path.join(".glance", name), text)
        before = os.environ.get("HOME")
        os.environ["HOME"] = home
        try:
            return cors_middleware.filter_factory(
                {}, oslo_config_project="glance", oslo_config_program="glance-api"
            )(_app)
        finally:
            if before is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = before


def cors(files, requests):
    """The filter's answers to requests, and the options that it read."""
    filtered = cors_filter(files)
    answers = []
    for asked in requests:
        request = webob.Request.blank(asked.get("path", "/"), method=asked["method"])
        request.headers.update(asked["headers"])
        response = request.get_response(filtered)
        answers.append({"status": response.status_int, "headers": list(response.headers.items())})
    conf = filtered.oslo_conf.cors
    return {"answers": answers, "options": {name: conf[name] for name in conf}}
