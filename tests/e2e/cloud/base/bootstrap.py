"""Registers Glance in Keystone: its service user, and where the catalog says it is."""

import os
import time

from keystoneauth1 import exceptions, session
from keystoneauth1.identity import v3
from keystoneclient.v3 import client

admin = session.Session(auth=v3.Password(
    auth_url='http://keystone:5000/v3', username='admin', password='secret', project_name='admin',
    user_domain_id='default', project_domain_id='default'))
while True:
    try:
        admin.get_token()
        break
    except (exceptions.ConnectFailure, exceptions.HttpError):
        time.sleep(1)

keystone = client.Client(session=admin, interface='internal')


def found_or(made, manager, **names):
    found = manager.list(**names)
    return found[0] if found else made()


project = found_or(lambda: keystone.projects.create('service', 'default'), keystone.projects, name='service')
user = found_or(
    lambda: keystone.users.create('glance', password='glance', domain='default', default_project=project),
    keystone.users, name='glance')
keystone.roles.grant(keystone.roles.list(name='admin')[0], user=user, project=project)
service = found_or(lambda: keystone.services.create('glance', type='image'), keystone.services, type='image')
for interface, url in (('internal', 'http://glance:9292'), ('public', os.environ['PUBLIC_IMAGE_URL'])):
    found_or(lambda: keystone.endpoints.create(service, url, interface, 'RegionOne'),
             keystone.endpoints, service=service, interface=interface)
