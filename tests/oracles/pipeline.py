"""Glance's application as PasteDeploy loads it, with the real CORS filter.

In: the texts of configuration files, of a paste file, and requests. Out: the answers, or that the
application does not load.
"""

import os
import sys
import tempfile

import ini
import webob
from oslo_config import cfg
from oslo_middleware import cors as cors_middleware  # noqa: F401 (ini has set Glance's defaults)
from paste import deploy


def pipeline(files, paste, flavor, requests, environment=()):
    """`files` stand in the first folder that oslo.config searches; `/etc/glance` in `paste` means it."""
    with tempfile.TemporaryDirectory() as home:
        folder = os.path.join(home, ".glance")
        for name, text in files.items():
            ini._write(folder, name, text)
        path = ini._write(folder, "glance-api-paste.ini", paste.replace("/etc/glance/", folder + "/"))
        before = (os.environ.get("HOME"), sys.argv[0], cfg.CONF)
        os.environ["HOME"], sys.argv[0], cfg.CONF = home, "glance-api", cfg.ConfigOpts()
        os.environ.update(environment)
        try:
            cfg.CONF([], project="glance", prog="glance-api")
            name = "glance-api" + (f"-{flavor}" if flavor else "")
            application = deploy.loadapp("config:" + path, name=name)
            return {"answers": [_answer(application, asked) for asked in requests]}
        except Exception as error:  # each of them keeps Glance from starting
            return {"error": type(error).__name__}
        finally:
            for name in dict(environment):
                del os.environ[name]
            if before[0] is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = before[0]
            sys.argv[0], cfg.CONF = before[1:]


def _answer(application, asked):
    request = webob.Request.blank("/v2/images/1/file", method="OPTIONS")
    request.headers["Origin"] = asked["origin"]
    request.headers["Access-Control-Request-Method"] = asked["method"]
    if asked["headers"]:
        request.headers["Access-Control-Request-Headers"] = ",".join(asked["headers"])
    response = request.get_response(application)
    return {name.lower(): value for name, value in response.headers.items() if name.lower().startswith("access-control-")}
