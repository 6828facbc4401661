"""What a person saves from the browser's developer tools: the network log as HAR, by each browser's own exporter.

Nothing of a recording is made up. Chromium's is built by the exporter of its own DevTools (models/har), which run
in a second window and look at the first; Firefox's by its own network monitor, through the door by which extensions
get it (getHARFromNetMonitor).
"""

import json
import time

# Whether "Export HAR (sanitized)" is meant, which leaves Cookie and Authorization out.
CHROMIUM = """
const [sanitize, done] = arguments;
(async () => {
  const load = (name) => import(new URL(name, location.href).href);
  const [har, logs] = await Promise.all([load("./models/har/har.js"), load("./models/logs/logs.js")]);
  const requests = logs.NetworkLog.NetworkLog.instance().requests();
  return JSON.stringify(await har.Log.Log.build(requests, {sanitize}));
})().then(done, (error) => done(String(error)));
"""
TARGETS = """
const done = arguments[0];
import(new URL("./core/sdk/sdk.js", location.href).href)
  .then((sdk) => done(sdk.TargetManager.TargetManager.instance().targets().length), () => done(0));
"""
OPEN = """
const done = arguments[0];
const { require } = ChromeUtils.importESModule("resource://devtools/shared/loader/Loader.sys.mjs");
const { gDevTools } = require("devtools/client/framework/devtools");
const window = Services.wm.getMostRecentWindow("navigator:browser");
gDevTools.showToolboxForTab(window.gBrowser.selectedTab, { toolId: "netmonitor" })
  .then((toolbox) => { window.recorder = toolbox; done(true); }, (error) => done(String(error)));
"""
FIREFOX = """
const done = arguments[0];
Services.wm.getMostRecentWindow("navigator:browser").recorder.getHARFromNetMonitor()
  .then((log) => done(JSON.stringify(log)), (error) => done(String(error)));
"""
CLOSE = """
const done = arguments[0];
Services.wm.getMostRecentWindow("navigator:browser").recorder.destroy().then(() => done(true), () => done(false));
"""


class Chromium:
    """Developer tools, undocked."""

    def __init__(self, driver):
        self.driver = driver
        port = driver.capabilities["goog:chromeOptions"]["debuggerAddress"].split(":")[1]
        self.page = driver.current_window_handle
        driver.switch_to.new_window("window")
        self.tools = driver.current_window_handle
        socket = f"127.0.0.1:{port}/devtools/page/{self.page}"
        driver.get(f"devtools://devtools/bundled/inspector.html?ws={socket}&panel=network")
        until(lambda: driver.execute_async_script(TARGETS))
        driver.switch_to.window(self.page)

    def har(self, sanitize: bool) -> dict:
        self.driver.switch_to.window(self.tools)
        text = self.driver.execute_async_script(CHROMIUM, sanitize)
        self.driver.switch_to.window(self.page)
        return {"log": json.loads(text)}

    def close(self):
        self.driver.switch_to.window(self.tools)
        self.driver.close()
        self.driver.switch_to.window(self.page)


class Firefox:
    """The toolbox of the page's tab."""

    def __init__(self, driver):
        self.driver = driver
        assert self._chrome(OPEN) is True

    def _chrome(self, script: str):
        with self.driver.context("chrome"):
            return self.driver.execute_async_script(script)

    def har(self, _sanitize: bool) -> dict:
        """As soon as nothing is added to it: answers come to the toolbox by and by."""
        time.sleep(1)
        seen, log = None, json.loads(self._chrome(FIREFOX))
        while seen != (now := [(entry["request"]["url"], entry["response"]["status"]) for entry in log["entries"]]):
            seen = now
            time.sleep(0.5)
            log = json.loads(self._chrome(FIREFOX))
        return {"log": log}

    def close(self):
        self._chrome(CLOSE)


def until(holds, seconds: int = 60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "the developer tools do not come up"
        time.sleep(0.2)


def of(har: dict, url: str) -> dict:
    """The recording of one upload: that of the page, and what went to this URL."""
    log = har["log"]
    own = lambda asked: "/v2/images/" not in asked or asked.split("?")[0] == url  # noqa: E731
    entries = [entry for entry in log["entries"] if own(entry["request"]["url"]) and "favicon" not in entry["request"]["url"]]
    return {"log": {**log, "entries": entries}}
