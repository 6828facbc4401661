"""Chromium, and Horizon as a user sees it: pages, buttons, files. Nothing here calls an API."""

import dataclasses
import json
import os
import time
import urllib.parse

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as expect
from selenium.webdriver.support.wait import WebDriverWait

from .shell import run, say

QUIET = (
    '--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--disable-default-apps', '--disable-extensions', '--metrics-recording-only', '--no-default-browser-check',
    '--disable-features=OptimizationHints,MediaRouter,Translate', '--window-size=1400,1200',
)


@dataclasses.dataclass
class Upload:
    """What the browser did with the image's data."""
    name: str
    method: str = None
    url: str = None
    status: int = None
    failed: str = None
    began: float = None
    seconds: float = None
    preflights: int = 0

    @property
    def host(self):
        return urllib.parse.urlsplit(self.url or '').hostname

    @property
    def succeeded(self):
        return self.failed is None and self.status is not None and 200 <= self.status < 300


class Browser:
    """A Chromium of its own profile that trusts the private CA by its certificate store."""

    def __init__(self, folder, authority, address, elsewhere=(), flags=()):
        """`elsewhere`: names with addresses of their own."""
        self.folder = folder
        store = folder / '.pki/nssdb'
        store.mkdir(parents=True)
        run('certutil', '-d', f'sql:{store}', '-N', '--empty-password')
        run('certutil', '-d', f'sql:{store}', '-A', '-t', 'C,,', '-n', 'cloud', '-i', authority.certificate)
        options = webdriver.ChromeOptions()
        options.binary_location = '/usr/bin/chromium'
        for flag in (*QUIET, *flags):
            options.add_argument(flag)
        options.add_argument(f'--user-data-dir={folder / "profile"}')
        rules = [f'MAP {name} {there}' for name, there in dict(elsewhere).items()]
        rules += [f'MAP *.cloud.test {address}', 'MAP * ~NOTFOUND']
        options.add_argument(f'--host-resolver-rules={", ".join(rules)}')
        options.set_capability('goog:loggingPrefs', {'performance': 'ALL', 'browser': 'ALL'})
        service = webdriver.ChromeService(
            '/usr/bin/chromedriver', log_output=str(folder / 'chromedriver.log'),
            env={**os.environ, 'HOME': str(folder), 'no_proxy': '*'})
        self.driver = webdriver.Chrome(options, service)
        self.driver.set_page_load_timeout(120)
        self.console = []

    def close(self):
        self.driver.quit()

    def rest(self):
        """Leaves the page: one that is open animates and polls, and takes a third of a core doing so."""
        self.driver.get('about:blank')

    def keep(self, stem):
        """Leaves what a person needs to see why a test failed."""
        try:
            self.driver.save_screenshot(f'{stem}.png')
            stem.with_suffix('.html').write_text(self.driver.page_source)
            self.console += self.driver.get_log('browser')
        except WebDriverException as error:
            self.console.append({'message': str(error)})
        stem.with_suffix('.console').write_text('\n'.join(entry['message'] for entry in self.console))

    def network(self):
        """The DevTools events since the last call."""
        return [json.loads(entry['message'])['message'] for entry in self.driver.get_log('performance')]

    def throttle(self, bytes_per_second):
        """Makes uploads as slow as over a line of this speed; -1 ends it."""
        self.driver.execute_cdp_cmd('Network.enable', {})
        self.driver.execute_cdp_cmd('Network.emulateNetworkConditions', {
            'offline': False, 'latency': 0, 'downloadThroughput': -1, 'uploadThroughput': bytes_per_second})

    def wait(self, condition, seconds=60):
        return WebDriverWait(self.driver, seconds).until(condition)


class Dashboard:
    """Horizon at one public URL, in one browser."""

    def __init__(self, browser, url):
        self.browser, self.driver, self.url = browser, browser.driver, url

    def log_in(self, user='admin', password='secret'):
        self.driver.get(f'{self.url}/auth/login/')
        self.driver.find_element(By.ID, 'id_username').send_keys(user)
        self.driver.find_element(By.ID, 'id_password').send_keys(password)
        self.driver.find_element(By.ID, 'loginBtn').click()
        self.browser.wait(expect.presence_of_element_located((By.CSS_SELECTOR, '#navbar-collapse, .navbar-collapse')))
        return self

    def open_images(self):
        self.driver.get(f'{self.url}/project/images')
        self.browser.wait(expect.element_to_be_clickable((By.XPATH, "//button[contains(., 'Create Image')]")))

    def choose(self, name, file):
        """Fills in the form; what is missing is the click on the last button."""
        self.driver.find_element(By.XPATH, "//button[contains(., 'Create Image')]").click()
        self.browser.wait(expect.element_to_be_clickable((By.ID, 'imageForm-name'))).send_keys(name)
        # The form asks Horizon what it may offer; until the answer is there it has neither.
        self.browser.wait(expect.presence_of_element_located((By.CSS_SELECTOR, 'input[type=file]'))).send_keys(str(file))
        self.browser.wait(expect.presence_of_element_located(
            (By.XPATH, "//select[@id='imageForm-format']/option[contains(., 'Raw')]"))).click()
        self.browser.wait(expect.element_to_be_clickable((By.CSS_SELECTOR, '.modal-footer button.finish')))
        self.browser.network()

    def submit(self):
        self.driver.find_element(By.CSS_SELECTOR, '.modal-footer button.finish').click()

    def progress(self):
        """What the form says of its progress, in percent; nothing before the first byte has been sent."""
        told = self.driver.execute_script(
            "return [...document.querySelectorAll('.progress-bar-text')].map(element => element.textContent)")
        percents = [int(text.strip().removesuffix('%')) for text in told if text.strip()]
        return [percent for percent in percents if percent >= 0]

    def tell_progress(self, percent):
        """What Horizon's own code sends while it uploads, to every scope of the page."""
        self.driver.execute_script(
            "const scope = angular.element(document.body).injector().get('$rootScope');"
            "scope.$apply(() => scope.$broadcast('horizon.app.core.images.IMAGE_UPLOAD_PROGRESS', arguments[0]))", percent)

    def watch(self, name, seconds, meanwhile=lambda: None):
        """Follows the network log until the request that carries the data has ended, or the one before
        it, which creates the image in direct mode, has failed."""
        upload, requests = Upload(name, began=time.time()), {}
        started = time.monotonic()
        while time.monotonic() < started + seconds:
            for event in self.browser.network():
                detail = event['params']
                if event['method'] == 'Network.requestWillBeSent' and is_preflight(detail['request']):
                    upload.preflights += 1
                if event['method'] == 'Network.requestWillBeSent' and part_of_upload(detail['request']):
                    request = detail['request']
                    requests[detail['requestId']] = carries_data(request)
                    if carries_data(request):
                        upload.method, upload.url = request['method'], request['url']
                    continue
                data = requests.get(detail.get('requestId'))
                if data is None:
                    continue
                if event['method'] == 'Network.responseReceived':
                    status = detail['response']['status']
                    if elsewhere(detail['response']):
                        requests[detail['requestId']] = False
                    elif data:
                        upload.status = status
                    elif status >= 400:
                        upload.failed = f'the image was not created: {status}'
                elif event['method'] == 'Network.loadingFailed':
                    cors = detail.get('corsErrorStatus', {}).get('corsError')
                    upload.failed = cors or detail.get('blockedReason') or detail['errorText']
                ended = event['method'] in ('Network.loadingFinished', 'Network.loadingFailed')
                if ended and (data or upload.failed):
                    upload.seconds = time.monotonic() - started
                    return upload
            meanwhile()
            time.sleep(0.2)
        upload.failed, upload.seconds = f'no answer within {seconds} s', seconds
        return upload

    def prepare(self, name, file):
        """Up to the last click, as often as a user reloads a page that does not come up."""
        for attempt in range(3):
            try:
                self.open_images()
                return self.choose(name, file)
            except WebDriverException as error:
                say(f'{name}: the page did not come up ({type(error).__name__}); it is loaded again')
        raise TimeoutError(f'{name}: the form did not come up three times')

    def upload(self, name, file, seconds=300):
        """Creates an image from a local file, as a user does."""
        self.prepare(name, file)
        self.submit()
        upload = self.watch(name, seconds)
        if upload.succeeded:
            self.browser.rest()
        return upload


class DjangoDashboard(Dashboard):
    """A dashboard whose image panel is the one in Python: ANGULAR_FEATURES['images_panel'] is False."""

    def open_images(self):
        self.driver.get(f'{self.url}/project/images')
        self.browser.wait(expect.element_to_be_clickable((By.ID, 'images__action_create')))

    def choose(self, name, file):
        self.driver.find_element(By.ID, 'images__action_create').click()
        self.browser.wait(expect.element_to_be_clickable((By.ID, 'id_name'))).send_keys(name)
        self.driver.find_element(By.ID, 'id_image_file').send_keys(str(file))
        # The page takes the format from the file's name.
        self.browser.wait(lambda driver: driver.find_element(By.ID, 'id_disk_format').get_attribute('value') == 'raw')
        self.browser.network()

    def submit(self):
        self.driver.find_element(By.CSS_SELECTOR, '.modal-footer .btn-primary').click()


def part_of_upload(request):
    """Either of the requests that a click on the last button sends."""
    path = urllib.parse.urlsplit(request['url']).path
    return carries_data(request) or request['method'] == 'PUT' and path.endswith('/api/glance/images/')


def is_preflight(request):
    return request['method'] == 'OPTIONS' and urllib.parse.urlsplit(request['url']).path.endswith('/file')


def carries_data(request):
    """Direct: PUT to Glance. Legacy: POST of the whole form to Horizon, to which either panel has its own path."""
    path = urllib.parse.urlsplit(request['url']).path
    return (request['method'] == 'PUT' and path.endswith('/file')
            or request['method'] == 'POST' and path.endswith(('/api/glance/images/', '/project/images/create/')))


def elsewhere(response):
    """The Django panel's form was sent without the file: the answer says where that goes."""
    return any(name.lower() == 'x-file-upload-url' for name in response['headers'])
