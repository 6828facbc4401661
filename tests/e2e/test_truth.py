"""Ready means that an upload works. What stands in the way of one, whichever of Horizon's image panels the
dashboard shows; what the operator says of it; what the browser really gets; and the same mended.

Each cloud's tests are steps of one story: each begins where the one before it ended.
"""

import json

import pytest

from harness.browser import Dashboard, DjangoDashboard
from harness.cloud import RESOURCES
from harness.faults import FAULTS, GLANCE, HORIZON, POLICY, broken_and_mended, cut, own_address
from harness.shell import until
from harness.uploads import fails, passes

ORIGIN = f'https://{HORIZON}'
FOR = 'direct-upload.openstack.org/for'
# A refused PUT is repeated every three minutes; three verdicts follow, and then pods roll.
MENDED = 3 * 60 + 120
# A preflight that was granted is asked once a minute, a fifth more or less; three in a row are a verdict.
NOTICED = 180
# Five minutes of refusals, and what else it takes.
FALLEN_BACK = 480


@pytest.fixture(scope='module')
def django(start_cloud, operator):
    return start_cloud('debian-django')


@pytest.fixture(scope='module')
def django_dashboard(django, open_browser):
    return DjangoDashboard(open_browser(), ORIGIN).log_in()


@pytest.fixture(scope='module')
def angular(start_cloud, operator):
    return start_cloud('debian')


@pytest.fixture(scope='module')
def angular_dashboard(angular, open_browser):
    return Dashboard(open_browser(), ORIGIN).log_in()


def is_own(cloud):
    """Horizon's own mode is in force: nothing of ours is mounted."""
    volumes = cloud.get('deployment', 'horizon')['spec']['template']['spec']['volumes']
    return not any(volume['name'].startswith('direct-upload') for volume in volumes)


def panel(cloud):
    return cloud.get('horizon', 'horizon')['status'].get('panel')


# --- The Django panel: its upload is a request with credentials ------------------------------------------------

def test_glance_s_own_file_forbids_credentials(django, django_dashboard, image_file):
    """Carried on, and so said before anything is switched. Taken out of the file, it is direct."""
    django.own_cors('allow_credentials = false')
    django.apply('-f', RESOURCES / 'debian.yaml')
    django.ready('glance', 'glance')
    django.refused('PreflightRefused', 'DU024')
    assert is_own(django)
    passes(django, django_dashboard, image_file, HORIZON)

    django.own_cors()
    django.settled()
    assert panel(django) == 'django'
    passes(django, django_dashboard, image_file, GLANCE)


def test_the_resource_forbids_credentials(django, django_dashboard, image_file):
    django.configure('glance', cors={'allowCredentials': False})
    django.refused('PreflightRefused', 'DU024', NOTICED)
    django.ready('glance', 'glance')
    fails(django, django_dashboard, image_file, 'InvalidAllowCredentials')

    django.configure('glance', cors={'allowCredentials': None})
    django.settled()
    passes(django, django_dashboard, image_file, GLANCE)


def test_an_external_glance_allows_every_origin(django, django_dashboard, image_file):
    """No Glance resource; what its administrator wrote is in force."""
    django.kubectl('delete', 'horizon,glance', '--all', '--timeout=300s', timeout=310)
    allowed = 'allow_headers = Content-Type,X-Auth-Token,X-CSRFToken'
    django.own_cors('allowed_origin = *', allowed)
    django.apply('-f', RESOURCES / 'external.yaml')
    django.refused('PreflightRefused', 'DU005')
    assert is_own(django)
    # What it is kept from: without verification it is direct, as the user asks.
    django.configure('horizon', directUpload={'verification': 'Off'})
    django.ready('horizon', 'horizon', 'ReadyUnverified')
    fails(django, django_dashboard, image_file, 'WildcardOriginNotAllowed')

    django.own_cors(f'allowed_origin = {ORIGIN}', allowed)
    django.configure('horizon', directUpload={'verification': 'Required'})
    django.ready('horizon', 'horizon')
    passes(django, django_dashboard, image_file, GLANCE)


def test_the_panel_changes(django, django_dashboard, open_browser, image_file):
    """The Angular panel needs no credentials. Its administrator shows the other one, and tells nobody."""
    django.kubectl('delete', 'horizon', '--all', '--timeout=300s', timeout=310)
    django.own_cors()
    django.own_file('horizon', 'panel.py', "ANGULAR_FEATURES = {'images_panel': True}\n")
    django.apply('-f', RESOURCES / 'debian.yaml')
    django.settled()
    assert panel(django) == 'angular'
    django.configure('glance', cors={'allowCredentials': False})
    django.settled()
    passes(django, Dashboard(open_browser(), ORIGIN).log_in(), image_file, GLANCE)

    django.own_file('horizon', 'panel.py', "ANGULAR_FEATURES = {'images_panel': False}\n")
    django.refused('PreflightRefused', 'DU024', NOTICED)
    fails(django, django_dashboard, image_file, 'InvalidAllowCredentials')
    # Who states the panel is believed.
    django.configure('horizon', directUpload={'panel': 'Angular'})
    django.ready('horizon', 'horizon')
    django.configure('horizon', directUpload={'panel': 'Django'})
    django.refused('PreflightRefused', 'DU024')
    django.configure('glance', cors={'allowCredentials': None})
    django.settled()
    passes(django, django_dashboard, image_file, GLANCE)


# --- The edge: the preflight passes it, and the upload does not ------------------------------------------------

def test_nothing_is_switched_before_an_upload_comes_through(angular, angular_dashboard, image_file):
    """And once the edge is mended it is noticed without being told."""
    with angular.edge.broken(GLANCE, FAULTS['body limit'].locations):
        angular.apply('-f', RESOURCES / 'debian.yaml')
        angular.ready('glance', 'glance')
        angular.refused('UploadRefused', 'DU014')
        assert is_own(angular)
        passes(angular, angular_dashboard, image_file, HORIZON)
    angular.ready('horizon', 'horizon', seconds=MENDED)
    passes(angular, angular_dashboard, image_file, GLANCE)


@pytest.mark.parametrize('fault', FAULTS.values(), ids=FAULTS)
def test_an_edge_that_lets_the_preflight_pass_and_no_upload(fault, angular, angular_dashboard, image_file):
    broken_and_mended(angular, angular_dashboard, fault, image_file)


def test_what_cuts_an_upload_is_not_seen_and_that_is_said(angular, angular_dashboard, image_file):
    with cut(angular, 5):
        angular.asked_anew()
        angular.ready('horizon', 'horizon')
        assumed = ' '.join(angular.get('horizon', 'horizon')['status']['assumptions'])
        assert 'ends an upload' in assumed, assumed
        assert 'ends an upload' in angular.condition('horizon', 'horizon', 'Verified')['message']
        angular_dashboard.browser.throttle(image_file.stat().st_size // 10)
        try:
            fails(angular, angular_dashboard, image_file, 'ERR_')
        finally:
            angular_dashboard.browser.throttle(-1)
    passes(angular, angular_dashboard, image_file, GLANCE)


def test_uploads_that_came_through_and_no_longer_do(angular, angular_dashboard, image_file):
    """Horizon falls back, so that users go on uploading, and returns once the edge is mended."""
    with angular.edge.broken(GLANCE, FAULTS['method not allowed'].locations):
        # Glance's pods change: what came of a PUT before proves nothing of them.
        angular.configure('glance', cors={'maxAge': 600})
        angular.refused('UploadRefused', 'DU020', NOTICED)
        angular.refused('FallenBack', 'DU020', FALLEN_BACK)
        angular.rolled_out('horizon')
        passes(angular, angular_dashboard, image_file, HORIZON)
    angular.ready('horizon', 'horizon', seconds=FALLEN_BACK + MENDED)
    passes(angular, angular_dashboard, image_file, GLANCE)


# --- The dashboard: its page may not talk to Glance, whatever Glance says --------------------------------------

def test_the_page_s_policy_leaves_glance_out(angular, angular_dashboard, image_file):
    with angular.edge.broken(HORIZON, POLICY):
        angular.asked_anew()
        angular.refused('UploadBlocked', 'DU013')
        fails(angular, angular_dashboard, image_file, 'csp')
    angular.asked_anew()
    angular.ready('horizon', 'horizon')
    passes(angular, angular_dashboard, image_file, GLANCE)


def test_a_public_dashboard_and_a_glance_in_the_local_network(angular, open_browser, image_file):
    """The dashboard's address is one of documentation; the browser is told to take it for a public one."""
    with (own_address('203.0.113.7') as public, own_address('10.203.0.113') as private,
          angular.edge.at(HORIZON, public), angular.edge.at(GLANCE, private)):
        angular.asked_anew()
        angular.refused('UploadBlocked', 'DU023')
        browser = open_browser(elsewhere={HORIZON: public, GLANCE: private},
                               flags=[f'--ip-address-space-overrides={public}:443=public'])
        fails(angular, Dashboard(browser, ORIGIN).log_in(), image_file, 'LocalNetworkAccess')
        # Whose users resolve these names otherwise says so.
        angular.configure('horizon', directUpload={'probe': {'addressSpaces': 'Ignore'}})
        angular.ready('horizon', 'horizon')
        angular.configure('horizon', directUpload={'probe': {'addressSpaces': None}})
        angular.refused('UploadBlocked', 'DU023')
    angular.asked_anew()
    angular.ready('horizon', 'horizon')


def test_a_guessed_port_is_wrong(angular, open_browser, image_file):
    """Users come by :8443, and the status of the Ingress tells no port."""
    with angular.edge.at(HORIZON, port=8443):
        angular.asked_anew()
        angular.refused('DashboardNotFound', 'DU001')
        there = Dashboard(open_browser(), f'{ORIGIN}:8443').log_in()
        fails(angular, there, image_file, 'AllowOrigin')
        angular.configure('horizon', publicURL=f'{ORIGIN}:8443')
        angular.settled()
        passes(angular, there, image_file, GLANCE)


# --- The catalog: it sends browsers elsewhere ------------------------------------------------------------------

def read_the_catalog_again(cloud):
    """What an administrator does who does not want to wait for the next day."""
    jobs = [job['metadata'] for job in cloud.get('jobs')['items']]
    asked = [job['name'] for job in jobs if job.get('annotations', {}).get(FOR, '').startswith('Catalog/')]
    assert asked, 'nobody has read the catalog'
    cloud.kubectl('delete', 'job', *asked)


def test_the_catalog_publishes_a_name_of_the_inside(angular, open_browser, image_file):
    """Nobody has told the operator of a credential: Glance's own account reads the catalog."""
    angular.configure('horizon', publicURL=None)
    angular.ready('horizon', 'horizon')
    public = angular.openstack.publish('https://glance.openstack.svc:9292')
    read_the_catalog_again(angular)

    def refused():
        ready = angular.condition('horizon', 'horizon', 'Ready')
        return (ready['status'], ready.get('reason')) == ('False', 'EndpointNotPublic') and 'DU010' in ready['message']
    until(refused, lambda: json.dumps(angular.get('horizon', 'horizon')['status']), 120)
    fails(angular, Dashboard(open_browser(), ORIGIN).log_in(), image_file, 'ERR_NAME_NOT_RESOLVED')
    angular.openstack.publish(public)
    read_the_catalog_again(angular)
    angular.ready('horizon', 'horizon')
    passes(angular, Dashboard(open_browser(), ORIGIN).log_in(), image_file, GLANCE)
