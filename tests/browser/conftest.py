"""A real browser, and what it looks at. A page fails its test on any console error, broken asset, policy violation."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
import pytest
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "test-results" / "screenshots"
START_SECONDS = 180


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the test says what it needs."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium once."""
    if not Path(CHROMIUM).exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("Chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Open a fresh profile: desktop size, dark or light as the test sets."""
    opened = browser.new_context(viewport={"width": 1440, "height": 900}, timezone_id="Europe/Vienna")
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Open a page that must stay free of errors; what went wrong is listed when the test ends."""
    opened = context.new_page()
    faults = watch(opened)
    yield opened
    assert faults == []


def watch(page: Page) -> list[str]:
    """Collect console errors (policy violations are among them), page errors and failed assets."""
    faults: list[str] = []

    def hear(message: object) -> None:
        if getattr(message, "type", "") in ("error", "warning"):
            faults.append(f"console: {getattr(message, 'text', '')}")

    page.on("console", hear)
    page.on("pageerror", lambda error: faults.append(f"page: {error}"))
    page.on("response", lambda answer: _check(answer.url, answer.status, faults))
    return faults


def _check(url: str, status: int, faults: list[str]) -> None:
    if status >= 400:
        faults.append(f"{status}: {url}")


@pytest.fixture
def gallery() -> Iterator[str]:
    """Serve the component gallery under the product's own settings; yields its address."""
    templates = [dict(django_settings.TEMPLATES[0])]
    templates[0]["DIRS"] = [Path(__file__).parent / "templates", *templates[0]["DIRS"]]
    with override_settings(ROOT_URLCONF="tests.browser.gallery", TEMPLATES=templates, ALLOWED_HOSTS=["127.0.0.1"]):
        server = make_server("127.0.0.1", 0, get_wsgi_application(), _ThreadingServer, _QuietHandler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform: its address, who may sign in, and the environment that it runs in."""

    url: str
    username: str
    password: str
    environment: Mapping[str, str]

    def run(self, code: str) -> str:
        """Run code beside the platform, on its data; for what no page and no API can bring about."""
        command = [sys.executable, "manage.py", "shell", "-c", code]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout


@pytest.fixture(scope="session")
def live_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Start the real platform in one process on a free port with its own state; stop it as Ctrl-C does."""
    folder = tmp_path_factory.mktemp("platform")
    port = _free_port()
    name, password = "ada", "a-long-word-for-ada"
    environment = _environment(folder, name, password)
    platform = Platform(f"http://localhost:{port}", name, password, environment)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=(folder / "output.txt").open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_until_ready(process, platform.url, folder / "output.txt")
        yield platform
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="module")
def session(browser: Browser, live_platform: Platform) -> StorageState:
    """Sign in through the sign-in page, once for a file of tests; what a browser then keeps."""
    with browser.new_context() as context:
        sign_in(context.new_page(), live_platform)
        return context.storage_state()


@pytest.fixture
def signed_in(context: BrowserContext, page: Page, session: StorageState, live_platform: Platform) -> Iterator[Page]:
    """Open a page of someone who is signed in; afterwards the market's clocks go at their usual pace again."""
    context.add_cookies(session["cookies"])  # type: ignore[arg-type]  # the same cookies under two names of a type
    yield page
    set_pace(page, live_platform.url, 1)


def sign_in(page: Page, platform: Platform) -> None:
    """Sign in through the sign-in page."""
    page.goto(f"{platform.url}/sign-in/?next=/notifications/")
    page.get_by_label("Username").fill(platform.username)
    page.get_by_label("Password").fill(platform.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def set_pace(page: Page, url: str, speed: int) -> None:
    """Play every replay at this many bars a second, as the API lets a signed-in page do."""
    token = next(each["value"] for each in page.context.cookies() if each["name"] == "csrftoken")
    replays = page.request.get(f"{url}/api/v1/replays/").json()["results"]
    for each in replays:
        if each["speed"] == speed:
            continue
        answer = page.request.patch(
            f"{url}/api/v1/replays/{each['id']}/",
            data={"speed": speed},
            headers={"X-CSRFToken": token, "Referer": url},
        )
        assert answer.ok, answer.text()


def _environment(folder: Path, username: str, password: str) -> dict[str, str]:
    """Take this machine's environment without what would point at other databases or keys."""
    dropped = {"DATABASE_URL", "REDIS_URL", "BARS_URL", "DJANGO_SETTINGS_MODULE", "ENV_FILE"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {
        "VAR_DIR": str(folder / "var"),
        "ENV_FILE": str(folder / "none.env"),
        "DJANGO_SUPERUSER_USERNAME": username,
        "DJANGO_SUPERUSER_PASSWORD": password,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/api/v1/health/", timeout=2).status_code == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"The platform did not start:\n{output.read_text(errors='replace')[-4000:]}")
