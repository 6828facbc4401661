"""Swift's own proxy: which options it gets from a folder or a file, and how it answers preflights."""

import contextlib
import pathlib
import tempfile

from paste.deploy import loadwsgi


class NoNodes:
    """A ring without devices: nothing is stored here."""

    replica_count = 0
    devs = ()

    def get_part(self, *names):
        return 0

    def get_nodes(self, *names):
        return 0, []

    def get_part_nodes(self, part):
        return []

    def get_more_nodes(self, part):
        return iter(())

    def has_changed(self):
        return False


# Before Swift's module replaces it, for the whole process.
LOADER = loadwsgi.ConfigLoader


@contextlib.contextmanager
def own_loader(wsgi):
    """Swift's loader, and afterwards PasteDeploy's own again, with which others ask."""
    loadwsgi.ConfigLoader = wsgi.NamedConfigLoader
    try:
        yield
    finally:
        loadwsgi.ConfigLoader = LOADER


def proxy(files, requests=(), start=""):
    """Starts the proxy with START, a file below the folder of FILES or that folder itself. The options that count, and
    the answers."""
    from swift.common import wsgi
    from swift.common.storage_policy import POLICIES
    from swift.common.swob import Request
    from swift.common.utils import get_logger
    from swift.proxy.server import Application

    for policy in POLICIES:
        policy.object_ring = NoNodes()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        with own_loader(wsgi):
            app = wsgi.loadcontext(loadwsgi.APP, str(pathlib.Path(folder, start)))
            options = getattr(app, "app_context", app).config()
    application = Application(options, get_logger(options), account_ring=NoNodes(), container_ring=NoNodes())
    answers = []
    for request in requests:
        asked = Request.blank(request["path"], environ={"REQUEST_METHOD": request["method"]}, headers=request["headers"])
        answer = asked.get_response(application)
        answers.append({"status": answer.status_int, "headers": sorted(answer.headers.items())})
    return {
        "origins": application.cors_allow_origin,
        "expose": application.cors_expose_headers,
        "strict": application.strict_cors_mode,
        "answers": answers,
    }
