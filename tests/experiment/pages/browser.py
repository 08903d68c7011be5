"""Chromium without a window, steered by Selenium: a page as a reader meets it, wide or narrow, light or dark."""

import os
import shutil
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
AXE = Path(os.environ.get("AXE") or ROOT / ".venv/node/node_modules/axe-core/axe.min.js")
REQUIRED = os.environ.get("BROWSER_TESTS") == "1"


def lacking() -> str | None:
    """What these tests need and do not find here, or None."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"needs {program}; make browser installs it"
    return None if AXE.is_file() else f"needs axe-core at {AXE}; make browser installs it"


class Browser:
    """A browser on a site; a context manager that ends it. `site.url(page)` says where a page is."""

    def __init__(self, site, profile: Path):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for word in (
            "headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-dev-shm-usage",
            "disable-background-networking", "disable-component-update", "disable-sync", f"user-data-dir={profile}",
        ):  # fmt: skip
            options.add_argument(f"--{word}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self._site = site
        self._driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
        self._driver.set_script_timeout(120)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_):
        self._driver.quit()

    def open(self, page: str, *, width: int = 1280, dark: bool = False, print: bool = False, scripts: bool = True):
        """Load a page afresh."""
        tell = self._driver.execute_cdp_cmd
        # a telephone has no bar to scroll with that would take room
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        tell("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tell("Emulation.setEmulatedMedia", {"media": "print" if print else "screen", "features": [scheme]})
        tell("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        self._driver.get("about:blank")  # a page that differs in its place alone would not be loaded again
        self._driver.get(self._site.url(page))
        assert self.until("return document.readyState === 'complete'", seconds=60), page

    @property
    def address(self) -> str:
        """Path from the site's folder, and place on the page."""
        return self._driver.current_url.removeprefix(self._site.url("")).lstrip("/")

    def ask(self, script: str, *arguments):
        """What a script returns that is run on the page."""
        return self._driver.execute_script(script, *arguments)

    def until(self, script: str, *arguments, seconds: float = 10):
        """Ask until the answer is true; returns the last answer."""
        end = time.monotonic() + seconds
        while not (answer := self.ask(script, *arguments)) and time.monotonic() < end:
            time.sleep(0.02)
        return answer

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        from selenium.webdriver import ActionChains

        for key in keys:
            ActionChains(self._driver, duration=0).send_keys(key).perform()

    def click(self, selector: str) -> None:
        """Click the first element of a selector, where a reader would."""
        self._driver.find_element("css selector", selector).click()

    def complaints(self) -> list[str]:
        """What the browser wrote to its console since it was last asked."""
        return [entry["message"] for entry in self._driver.get_log("browser")]

    def pdf(self) -> bytes:
        """The page on paper."""
        from base64 import b64decode

        return b64decode(self._driver.execute_cdp_cmd("Page.printToPDF", {})["data"])

    def screenshot(self, path: Path) -> None:
        self._driver.save_screenshot(str(path))

    def violations(self, within: str = "html") -> list[str]:
        """What axe-core finds against its rules in what is visible of an element: rule, place, what is wrong."""
        self.ask(AXE.read_text("utf-8"))
        found = self._driver.execute_async_script(
            "const [within, done] = arguments;"
            "axe.run(within, {resultTypes: ['violations'], preload: false}).then(done, error => done(String(error)))",
            within,
        )
        assert isinstance(found, dict), found
        return [
            f"{rule['id']}: {node['target']} {node['html'][:160]} {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"][:5]
        ]
