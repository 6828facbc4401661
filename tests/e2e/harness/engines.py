"""Other browsers than Chromium: Firefox, and WebKitGTK, whose engine is Safari's. Each trusts the private CA, and
knows the cloud's names."""

import glob
import os
import pathlib
import subprocess
import time

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.support.wait import WebDriverWait
from urllib3.exceptions import HTTPError

from .shell import run, say

SYSTEM_AUTHORITIES = pathlib.Path('/etc/ssl/certs/ca-certificates.crt')


class Engine:
    """What a `Dashboard` needs of a browser."""

    def __init__(self, driver):
        self.driver = driver
        self.driver.set_page_load_timeout(120)

    def wait(self, condition, seconds=60):
        return WebDriverWait(self.driver, seconds).until(condition)

    def network(self):
        """WebDriver tells nothing of the network here: the edge's log does."""
        return []

    def rest(self):
        try:
            self.driver.get('about:blank')
        except (WebDriverException, HTTPError) as error:
            say(f'the browser does not rest: {error}')

    def keep(self, stem):
        try:
            self.driver.save_screenshot(f'{stem}.png')
        except (WebDriverException, HTTPError) as error:
            say(f'no picture: {error}')

    def close(self):
        self.driver.quit()


class Firefox(Engine):
    def __init__(self, folder, authority, address, names):
        profile = folder / 'profile'
        profile.mkdir(parents=True)
        run('certutil', '-d', f'sql:{profile}', '-N', '--empty-password')
        run('certutil', '-d', f'sql:{profile}', '-A', '-t', 'C,,', '-n', 'cloud', '-i', authority.certificate)
        options = webdriver.FirefoxOptions()
        options.binary_location = '/usr/bin/firefox-esr'
        options.accept_insecure_certs = False
        for argument in ('-headless', '-profile', str(profile)):
            options.add_argument(argument)
        options.set_preference('network.dns.forceResolve', address)
        super().__init__(webdriver.Firefox(options, webdriver.FirefoxService(os.environ['DUO_GECKODRIVER'])))


class WebKitService(webdriver.WebKitGTKService):
    def env_path(self):
        """Selenium 4 looks for a variable without a name."""


class WebKit(Engine):
    """MiniBrowser on a screen that nobody sees, in a mount namespace with our names and our CA."""

    def __init__(self, folder, authority, address, names):
        folder.mkdir(parents=True)
        hosts, trusted, driver = folder / 'hosts', folder / 'authorities', folder / 'driver'
        hosts.write_text(f'127.0.0.1 localhost\n{address} {" ".join(names)}\n')
        trusted.write_text(SYSTEM_AUTHORITIES.read_text() + pathlib.Path(authority.certificate).read_text())
        driver.write_text(f'''#!/bin/sh
exec unshare --mount sh -c 'mount --bind {hosts} /etc/hosts &&
  mount --bind {trusted} {SYSTEM_AUTHORITIES} && exec WebKitWebDriver "$@"' - "$@"
''')
        driver.chmod(0o755)
        numbers, told = os.pipe()
        self.screen = subprocess.Popen(
            ['Xvfb', '-displayfd', str(told), '-screen', '0', '1400x1200x24', '-nolisten', 'tcp'],
            pass_fds=[told], stderr=subprocess.DEVNULL)
        os.close(told)
        # The whole line: Xvfb ends if nobody takes the rest of it.
        with os.fdopen(numbers) as line:
            display = line.readline().strip()
        options = webdriver.WebKitGTKOptions()
        options.binary_location, = glob.glob('/usr/lib/*/webkit2gtk-4.1/MiniBrowser')
        options.add_argument('--automation')
        service = WebKitService(str(driver), log_output=str(folder / 'driver.log'),
                                env={**os.environ, 'DISPLAY': f':{display}', 'HOME': str(folder), 'no_proxy': '*'})
        super().__init__(webdriver.WebKitGTK(options=options, service=service))

    def close(self):
        super().close()
        self.screen.terminate()
        self.screen.wait()


def arrives(dashboard, cloud, name, file, seconds=300):
    """Creates an image from a file as a user does; it has arrived when Glance has all of it."""
    dashboard.prepare(name, file)
    dashboard.submit()
    cloud.active(name, seconds)
    cloud.arrived(name, file)
    time.sleep(1)  # The edge writes its log when the answer has been sent.
