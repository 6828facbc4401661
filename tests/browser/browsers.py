"""Chromium and Firefox, headless, each with a profile of its own that trusts the test's authorities.

They resolve the names, all under example.com, to loopback, and https://horizon.example.com without a port to
the port of the page; nothing else is bent.
"""

import os
import subprocess
from pathlib import Path

from selenium import webdriver


def trust(database: Path, certificates: list[Path]):
    """An NSS database with these authorities, as an administrator makes one."""
    database.mkdir(parents=True)
    where = ["-d", f"sql:{database}"]
    subprocess.run(["certutil", "-N", "--empty-password", *where], check=True)
    for certificate in certificates:
        subprocess.run(["certutil", "-A", "-n", certificate.stem, "-t", "C,,", "-i", certificate, *where], check=True)


def chromium(folder: Path, page: int, authorities: list[Path], _names: list[str]):
    home = folder / "home"
    trust(home / ".pki/nssdb", authorities)
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    rules = f"MAP horizon.example.com:443 127.0.0.1:{page}, MAP *.example.com 127.0.0.1"
    for argument in [
        "--headless=new",
        # Without it Chromium does not start as root, nor in most containers.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        # The developer tools are a page, too (recorder.py).
        "--remote-allow-origins=devtools://devtools",
        f"--user-data-dir={folder / 'profile'}",
        f"--host-resolver-rules={rules}",
    ]:
        options.add_argument(argument)
    service = webdriver.ChromeService("/usr/bin/chromedriver", env={**os.environ, "HOME": str(home)})
    return webdriver.Chrome(options, service)


def firefox(folder: Path, page: int, authorities: list[Path], names: list[str]):
    profile = folder / "profile"
    trust(profile, authorities)
    options = webdriver.FirefoxOptions()
    options.binary_location = "/usr/bin/firefox-esr"
    options.add_argument("-headless")
    options.add_argument("-profile")
    options.add_argument(str(profile))
    # WebDriver's default for Firefox is to take any.
    options.accept_insecure_certs = False
    preferences = {
        "network.dns.localDomains": ",".join(names),
        "network.socket.forcePort": f"443={page}",
        "datareporting.policy.dataSubmissionEnabled": False,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
    }
    for name, value in preferences.items():
        options.set_preference(name, value)
    # The toolbox belongs to the browser, not to the page (recorder.py).
    service = webdriver.FirefoxService(os.environ["DUO_GECKODRIVER"], service_args=["--allow-system-access"])
    return webdriver.Firefox(options, service)
