"""What `preflight` says of real servers before a real Glance, held against what the table claims.

Each edge is a whole configuration of its program, on a free port of loopback; @GLANCE@ is the backend.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ORIGIN = 'http://horizon.example.com'
MODULES = '/usr/lib/apache2/modules'

NGINX = '''
daemon off; pid @DIR@/nginx.pid; error_log @DIR@/error.log;
events {}
http {
  access_log off; client_body_temp_path @DIR@/body; proxy_temp_path @DIR@/proxy; fastcgi_temp_path @DIR@/f;
  uwsgi_temp_path @DIR@/u; scgi_temp_path @DIR@/s;
  server {
    listen 127.0.0.1:@PORT@;
    proxy_http_version 1.1;
    @SERVER@
  }
}
'''
HAPROXY = '''
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend edge
  bind 127.0.0.1:@PORT@
  @FRONTEND@
  default_backend glance
backend glance
  @BACKEND@
  server glance @GLANCE@
'''
HTTPD = '''
ServerRoot @DIR@
PidFile @DIR@/httpd.pid
ErrorLog @DIR@/error.log
ServerName glance.example.com
User www-data
Group www-data
Listen 127.0.0.1:@PORT@
LoadModule mpm_event_module @MODULES@/mod_mpm_event.so
LoadModule authz_core_module @MODULES@/mod_authz_core.so
LoadModule headers_module @MODULES@/mod_headers.so
LoadModule reqtimeout_module @MODULES@/mod_reqtimeout.so
LoadModule proxy_module @MODULES@/mod_proxy.so
LoadModule proxy_http_module @MODULES@/mod_proxy_http.so
LoadModule proxy_uwsgi_module @MODULES@/mod_proxy_uwsgi.so
RequestReadTimeout header=20-40,MinRate=500 body=10,MinRate=500
@SERVER@
'''


def nginx(server, passing='proxy_pass http://@GLANCE@;'):
    return 'nginx', NGINX.replace('@SERVER@', server.replace('@PASS@', passing))


def haproxy(frontend='', backend=''):
    return 'haproxy', HAPROXY.replace('@FRONTEND@', frontend).replace('@BACKEND@', backend)


def below_one_host():
    """The sample of docs/same-origin.md, with our addresses. No dashboard runs here: HAProxy answers 404 for it."""
    sample = (HERE.parents[1] / 'samples/haproxy/glance.cfg').read_text()
    assert sample.count('server horizon horizon.openstack.svc:80') == 1, sample
    return 'haproxy', (sample.replace('bind :80', 'bind 127.0.0.1:@PORT@').replace('glance.openstack.svc:9292', '@GLANCE@')
                       .replace('server horizon horizon.openstack.svc:80', 'http-request return status 404'))


def httpd(server):
    return 'httpd', HTTPD.replace('@SERVER@', server).replace('@MODULES@', MODULES)


DIRECT = None
BY_LENGTH = 'http-request deny if { req.hdr_val(content-length) gt 1048576 }'
OPEN = 'client_max_body_size 0;'
UNBUFFERED = f'{OPEN} proxy_request_buffering off;'
ON_PUT = 'error_page 418 = @put; location / { if ($request_method = PUT) { return 418; } @PASS@ } location @put { %s @PASS@ }'
BASIC = ('set $realm cloud; if ($request_method = OPTIONS) { set $realm off; } '
         'location / { auth_basic $realm; auth_basic_user_file /dev/null; @PASS@ }')

#: What is claimed of each: verdict, rule, the complete PUT and who answered it, the announced size. None: no
#: claim. A list at the end: options of `preflight`.
EDGES = {
    'none': (DIRECT, 'granted', None, 'granted', 'Glance', 'granted'),
    'nginx, `proxy_request_buffering off`, no limit': (
        nginx(f'location / {{ {UNBUFFERED} @PASS@ }}'), 'granted', None, 'granted', 'Glance', 'granted'),
    'nginx, buffering as by default, no limit': (
        nginx(f'location / {{ {OPEN} @PASS@ }}'), 'granted', None, 'granted', 'Glance', 'unknown'),
    'nginx, `client_max_body_size 1m` (its default)': (
        nginx('location / { @PASS@ }'), 'refused', 'DU014', 'granted', 'Glance', 'refused'),
    'nginx, the same, `proxy_request_buffering off`': (
        nginx('location / { proxy_request_buffering off; @PASS@ }'), 'refused', 'DU014', 'granted', 'Glance', 'refused'),
    'nginx, `limit_except GET OPTIONS`': (
        nginx(f'location / {{ {UNBUFFERED} limit_except GET OPTIONS {{ deny all; }} @PASS@ }}'),
        'refused', 'DU020', 'refused', 'nginx', None),
    'nginx, Basic authentication on all but OPTIONS': (
        nginx(f'{UNBUFFERED} {BASIC}'), 'refused', 'DU020', 'refused', 'nginx', None),
    'nginx, 405 on PUT': (
        nginx('location / { if ($request_method = PUT) { return 405; } @PASS@ }'),
        'refused', 'DU020', 'refused', 'nginx', None),
    'nginx, 302 to a login on PUT': (
        nginx('location / { if ($request_method = PUT) { return 302 https://sso.example.com/login; } @PASS@ }'),
        'refused', 'DU020', 'refused', 'nginx', None),
    'nginx, a login page with 200 on PUT': (
        nginx('location / { if ($request_method = PUT) { rewrite ^ /login last; } @PASS@ } '
              'location = /login { internal; default_type text/html; return 200 "<form>"; }'),
        'refused', 'DU020', 'refused', 'nginx', None),
    'nginx, connection closed on PUT (444)': (
        nginx('location / { if ($request_method = PUT) { return 444; } @PASS@ }'),
        'refused', 'DU020', 'refused', None, None),
    'nginx, CORS headers off on PUT alone': (
        nginx(f'{UNBUFFERED} ' + ON_PUT % 'proxy_hide_header Access-Control-Allow-Origin;'),
        'refused', 'DU012', 'refused', 'Glance', None),
    'nginx, `add_header … always` on PUT alone': (
        nginx(f'{UNBUFFERED} ' + ON_PUT % f'add_header Access-Control-Allow-Origin {ORIGIN} always;'),
        'refused', 'DU012', 'refused', 'Glance', None),
    'nginx, PUT led to a dead backend': (
        nginx(f'{UNBUFFERED} error_page 418 = @put; location / {{ if ($request_method = PUT) {{ return 418; }} @PASS@ }} '
              'location @put { proxy_pass http://127.0.0.1:1; }'),
        'refused', 'DU012', 'refused', 'nginx', None),
    'HAProxy': (haproxy(), 'granted', None, 'granted', 'Glance', 'granted'),
    # The page's own origin: no preflight. Glance itself must answer below the path.
    'HAProxy, samples/haproxy: Glance under the dashboard\'s own host': (
        below_one_host(), 'granted', None, None, None, None, ['/image']),
    'HAProxy, the same without the path: the dashboard answers': (
        below_one_host(), 'refused', 'DU011', None, None, None, ['/other']),
    'HAProxy, `option http-buffer-request`': (
        haproxy('option http-buffer-request'), 'granted', None, 'granted', 'Glance', 'unknown'),
    'HAProxy, `http-request deny` (403) by Content-Length, `--size 1GiB`': (
        haproxy(BY_LENGTH), 'refused', 'DU014', 'granted', 'Glance', 'refused', ['--size', '1GiB']),
    # HAProxy reads this number in 32 bits: 10 GiB is less than nothing, and does pass.
    'HAProxy, the same, 10 GiB': (haproxy(BY_LENGTH), 'granted', None, 'granted', 'Glance', 'granted'),
    'HAProxy, `http-request deny` (413) by `req.body_size`': (
        haproxy('http-request deny deny_status 413 if { req.body_size gt 1048576 }'),
        'refused', 'DU014', 'granted', 'Glance', 'refused'),
    'HAProxy, `http-request deny if METH_PUT`': (
        haproxy('http-request deny if { method PUT }'), 'refused', 'DU020', 'refused', None, None),
    'HAProxy, `del-header` on PUT alone': (
        haproxy('http-request set-var(txn.put) bool(true) if { method PUT }',
                'http-response del-header Access-Control-Allow-Origin if { var(txn.put) -m bool }'),
        'refused', 'DU012', 'refused', 'Glance', None),
    'HAProxy, Allow-Credentials off': (
        haproxy('', 'http-response del-header Access-Control-Allow-Credentials'), 'refused', 'DU024', None, None, None),
    'httpd, mod_proxy_http, RequestReadTimeout of Debian': (
        httpd('ProxyPass / http://@GLANCE@/'), 'granted', None, 'granted', 'Glance', 'granted'),
    'httpd, mod_proxy_http, `LimitRequestBody 1048576` (not enforced by it)': (
        httpd('LimitRequestBody 1048576\nProxyPass / http://@GLANCE@/'), 'granted', None, 'granted', 'Glance', 'granted'),
    'httpd, mod_proxy_http, `Header always set` on PUT alone': (
        httpd(f'ProxyPass / http://@GLANCE@/\nHeader always set Access-Control-Allow-Origin {ORIGIN} "expr=%{{REQUEST_METHOD}} == \'PUT\'"'),
        'refused', 'DU012', 'refused', 'Glance', None),
    'httpd, `Require method` without PUT': (
        httpd('ProxyPass / http://@GLANCE@/\n<Location />\nRequire method GET OPTIONS\n</Location>'),
        'refused', 'DU020', 'refused', 'Apache', None),
}
#: Only before uWSGI: mod_proxy_uwsgi speaks its protocol.
UWSGI_EDGES = {
    'httpd, mod_proxy_uwsgi, LimitRequestBody 0': (
        httpd('LimitRequestBody 0\nProxyPass / uwsgi://@UWSGI@/'), 'granted', None, 'granted', 'Glance', 'unknown'),
    'httpd, mod_proxy_uwsgi, LimitRequestBody as by default (1 GiB)': (
        httpd('ProxyPass / uwsgi://@UWSGI@/'), 'refused', 'DU014', 'granted', 'Glance', 'refused'),
}


def free_port():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def until_it_listens(port, process, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f'edges: {process.args[:3]} ended with {process.returncode}')
        with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 1):
            return
        time.sleep(0.1)
    sys.exit(f'edges: nothing listens at {port}')


@contextlib.contextmanager
def running(command, port, log, **more):
    with open(log, 'wb') as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, **more)
    try:
        until_it_listens(port, process)
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def glance(folder, work, kind):
    """The command that runs Glance in its image, its port, and uWSGI's own."""
    port, own = free_port(), free_port()
    etc = folder / 'etc/glance'
    (etc / 'glance-api.conf').write_text((HERE / 'etc/glance-api.conf').read_text().replace('@PORT@', str(port)))
    program = {
        'eventlet': 'glance-api --config-file /etc/glance/glance-api.conf',
        'uwsgi': f'uwsgi --plugins python3 --http-socket 127.0.0.1:{port} --socket 127.0.0.1:{own} '
                 '--wsgi-file /usr/bin/glance-wsgi-api --master --processes 1 --threads 4 --lazy-apps --die-on-term '
                 '--buffer-size 65535 --need-app --add-header "Connection: close"',
    }[kind]
    script = ('mount --rbind /dev "$1/dev"; mount -t proc proc "$1/proc"; exec chroot "$1" sh -c "'
              'mkdir -p /var/lib/glance/images /var/lib/glance/staging /var/lib/glance/tasks; '
              'glance-manage --config-file /etc/glance/glance-api.conf db_sync >/dev/null 2>&1; exec $2"')
    return ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-euc', script, 'sh', str(folder), program], port, own


def start(edge, port, folder):
    kind, text = edge
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / 'config'
    config.write_text(text.replace('@PORT@', str(port)).replace('@DIR@', str(folder)))
    return {
        'nginx': ['/usr/sbin/nginx', '-p', str(folder), '-c', str(config)],
        'haproxy': ['/usr/sbin/haproxy', '-db', '-f', str(config)],
        'httpd': ['/usr/sbin/apache2', '-DFOREGROUND', '-f', str(config)],
    }[kind]


def ask(port, *more):
    """Options that start with a slash are a path of the dashboard's own host, under which Glance is asked."""
    host = f'glance.example.com:{port}'
    path = ''.join(word for word in more if word.startswith('/'))
    more = [word for word in more if not word.startswith('/')]
    origin = f'http://{host}' if path else ORIGIN
    begin = time.monotonic()
    done = subprocess.run(
        [os.environ['OPERATOR'], 'preflight', '--origin', origin, '--url', f'http://{host}{path}', '--resolve',
         f'{host}:127.0.0.1', '-o', 'json', *more], capture_output=True, text=True, timeout=120, check=False)
    report = json.loads(done.stdout)
    assert (done.returncode == 0) == (report['verdict'] == 'granted'), done
    return report, time.monotonic() - begin


def rule(report):
    for part in (report, report.get('put'), report.get('size')):
        if part and part['failure']:
            return part['failure']['rule']
    return None


def seen(part):
    """In one word, and who answered what."""
    if part is None:
        return None, ''
    status = f"{part['response']['status']}" if part['response'] else 'no answer'
    by = part['answeredBy']
    return part['verdict'], f"{part['verdict']}: {status}, {by.get('signature') or by['kind']}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('glance', type=pathlib.Path)
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--only', default='', help='edges whose name has this')
    parser.add_argument('--glance', dest='kinds', action='append', choices=['eventlet', 'uwsgi'])
    args = parser.parse_args()
    wrong = []
    print('| Glance | before it | verdict | PUT | announced size | s |\n|---|---|---|---|---|---|')
    for kind in args.kinds or ['eventlet', 'uwsgi']:
        command, backend, own = glance(args.glance, args.work, kind)
        edges = EDGES | (UWSGI_EDGES if kind == 'uwsgi' else {})
        with running(command, backend, args.work / f'glance-{kind}.log'):
            for nth, (name, (edge, *claimed)) in enumerate(edges.items()):
                if args.only not in name:
                    continue
                port = backend
                with contextlib.ExitStack() as stack:
                    if edge:
                        port = free_port()
                        text = edge[1].replace('@GLANCE@', f'127.0.0.1:{backend}').replace('@UWSGI@', f'127.0.0.1:{own}')
                        folder = args.work / f'{kind}-{nth}'
                        command = start((edge[0], text), port, folder)
                        stack.enter_context(running(command, port, folder / 'log'))
                    report, took = ask(port, *(claimed.pop() if isinstance(claimed[-1], list) else []))
                put, put_words = seen(report.get('put'))
                size, size_words = seen(report.get('size'))
                by = put_words.split(', ', 1)[-1]
                found = [report['verdict'], rule(report), put, by, size]
                told = f"{found[0]} {found[1] or ''}".strip()
                print(f'| {kind} | {name} | {told} | {put_words} | {size_words} | {took:.1f} |', flush=True)
                for claim, fact in zip(claimed, found):
                    if claim is not None and not re.search(re.escape(claim), str(fact), re.IGNORECASE):
                        wrong.append(f'{kind}, {name}: {claim!r} is claimed, {fact!r} was found: {json.dumps(report)}')
                        break
    if wrong:
        sys.exit('\n'.join(['', *wrong]))


if __name__ == '__main__':
    main()
