"""Edges before Glance that let the browser's preflight pass, and not its upload."""

import contextlib
import dataclasses

from .edge import ON_PUT, Cutter
from .shell import run
from .uploads import fails, passes

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'


@dataclasses.dataclass(frozen=True)
class Fault:
    """`locations`: what nginx serves instead. `rule`: what the operator calls it. `arrives`: whether Glance
    has the image all the same, although the user is told of an error."""
    locations: str
    rule: str
    arrives: bool = False


FAULTS = {
    'body limit': Fault('client_max_body_size 1m; location / { @PASS@ }', 'DU014'),
    'CORS headers stripped': Fault(
        ON_PUT % 'proxy_hide_header Access-Control-Allow-Origin; @PASS@', 'DU012', arrives=True),
    'CORS headers doubled': Fault(
        ON_PUT % f'add_header Access-Control-Allow-Origin https://{HORIZON} always; @PASS@', 'DU012', arrives=True),
    'basic authentication': Fault(
        'location / { limit_except OPTIONS { auth_basic edge; auth_basic_user_file /dev/null; } @PASS@ }', 'DU020'),
    'method not allowed': Fault(ON_PUT % 'return 405;', 'DU020'),
}


# The dashboard's own edge: its page may talk to nobody else.
POLICY = '''location / { add_header Content-Security-Policy "connect-src 'self'" always; @PASS@ }'''


@contextlib.contextmanager
def own_address(address):
    """An address of this machine for the body of a `with`."""
    run('ip', 'address', 'add', f'{address}/32', 'dev', 'lo')
    try:
        yield address
    finally:
        run('ip', 'address', 'delete', f'{address}/32', 'dev', 'lo')


@contextlib.contextmanager
def cut(cloud, seconds):
    """Connections to Glance that are reset so long after they began, and the browser's with them."""
    with Cutter(*cloud.address('glance'), seconds) as cutter:
        with cloud.edge.broken(GLANCE, f'error_page 502 504 = @cut; location @cut {{ return 444; }} '
                                       f'location / {{ proxy_pass http://{cutter.address}; }}'):
            yield


def broken_and_mended(cloud, dashboard, fault, file):
    """A dashboard that is direct is not Ready while this stands in the way of its users, and is again after."""
    with cloud.edge.broken(GLANCE, fault.locations):
        cloud.asked_anew()
        cloud.refused('UploadRefused', fault.rule)
        fails(cloud, dashboard, file, 'AllowOrigin', fault.arrives)
    cloud.asked_anew()
    cloud.ready('horizon', 'horizon')
    passes(cloud, dashboard, file, GLANCE)
