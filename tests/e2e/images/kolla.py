"""What makes an image one of kolla's: its own scripts, out of its wheel, at the places that its Dockerfiles give.

Read in kolla 22.2.0 (2026.1): docker/base/Dockerfile.j2, docker/horizon/Dockerfile.j2 and
docker/glance/glance-{base,api}/Dockerfile.j2.
"""

import io
import os
import pathlib
import tarfile
import zipfile

COMMAND = ['kolla_start']
VENV = 'var/lib/kolla/venv'
KOLLA, UID = 42400, {'glance': 42415, 'horizon': 42420}
SCRIPTS = {'start.sh': 'start', 'set_configs.py': 'set_configs', 'copy_cacerts.sh': 'copy_cacerts',
           'install_projects.sh': 'install_projects'}


def make(wheel, base, environment, service, layer):
    """Fills the folder `layer`. `base` and `environment` are the tar files of the layers below it."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name.partition('/docker/')[2]: name for name in archive.namelist() if '/docker/' in name}

        def put(path, name, mode):
            write(layer / path, archive.read(files[name]), mode)
        for name, command in SCRIPTS.items():
            put(f'usr/local/bin/kolla_{command}', f'base/{name}', 0o755)
        put('etc/sudoers', 'base/sudoers', 0o440)
        if service == 'horizon':
            put('usr/local/bin/kolla_extend_start', 'horizon/extend_start.sh', 0o644)
        else:
            put('usr/local/bin/kolla_extend_start', 'glance/glance-base/extend_start.sh', 0o644)
            put('usr/local/bin/kolla_glance_extend_start', 'glance/glance-api/extend_start.sh', 0o644)
            put('etc/sudoers.d/kolla_glance_sudoers', 'glance/glance-base/glance_sudoers', 0o440)
    (layer / 'etc').chmod(0o755)
    folder(layer / 'var/log/kolla', 0, KOLLA, 0o2775)
    folder(layer / f'var/lib/{service}', UID[service], UID[service], 0o755)
    with tarfile.open(base) as tar:
        own_groups(tar, layer)
    with tarfile.open(environment) as tar:
        {'horizon': horizon, 'glance': glance}[service](tar, layer)


def own_groups(tar, layer):
    """Gives each of kolla's users the group of its own number, as kolla does; Debian chose other numbers."""
    ids = {'kolla': str(KOLLA), **{name: str(uid) for name, uid in UID.items()}}
    for name, field in (('passwd', 3), ('group', 2)):
        member = next(member for member in tar.getmembers() if member.name.removeprefix('./') == f'etc/{name}')
        lines = []
        for line in tar.extractfile(member).read().decode().splitlines():
            fields = line.split(':')
            if fields[0] in ids:
                fields[field] = ids[fields[0]]
            lines.append(':'.join(fields) + '\n')
        write(layer / 'etc' / name, ''.join(lines).encode(), 0o644)


def horizon(tar, layer):
    site_packages = link_python(tar, layer)
    dashboard = f'{site_packages}/openstack_dashboard'
    etc = layer / 'etc/openstack-dashboard'
    copy(tar, f'{dashboard}/conf', etc)
    copy(tar, f'{dashboard}/local/local_settings.py.example', etc / 'local_settings.py')
    folder(etc / 'local_settings.d', 0, 0, 0o755)
    local = layer / dashboard / 'local'
    local.mkdir(parents=True)
    for name in ('local_settings.py', 'local_settings.d'):
        (local / name).symlink_to(f'/etc/openstack-dashboard/{name}')
    source = next(member for member in tar if '/sources/horizon-' in member.name and member.isfile())
    with tarfile.open(fileobj=io.BytesIO(tar.extractfile(source).read())) as archive:
        manage = next(member for member in archive if member.name.count('/') == 1 and member.name.endswith('/manage.py'))
        write(layer / VENV / 'bin/manage.py', archive.extractfile(manage).read(), 0o755)


def glance(tar, layer):
    link_python(tar, layer)
    copy(tar, f'{VENV}/etc/glance', layer / 'etc/glance')


def link_python(tar, layer):
    """Kolla's link lib/python3, which its scripts and kolla-ansible's files go by. Returns where the packages are."""
    python = next(name for name in names(tar) if name.startswith(f'{VENV}/lib/python3.') and name.count('/') == 5)
    lib = layer / VENV / 'lib'
    lib.mkdir(parents=True)
    (lib / 'python3').symlink_to(python.rpartition('/')[2])
    return f'{python}/site-packages'


def names(tar):
    return (member.name.removeprefix('./') for member in tar)


def copy(tar, path, target):
    """A file, or the files of a folder, out of the virtual environment."""
    found = False
    for member in tar.getmembers():
        name = member.name.removeprefix('./')
        if member.isfile() and (name == path or name.startswith(path + '/')):
            found = True
            write(target / name[len(path) + 1:] if name != path else target, tar.extractfile(member).read(), 0o644)
    if not found:
        raise FileNotFoundError(path)


def folder(path, uid, gid, mode):
    path.mkdir(parents=True, exist_ok=True)
    os.chown(path, uid, gid)
    path.chmod(mode)


def write(path, content, mode):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
