"""The embedded platform as a real process: start, refuse a second start, serve, stop cleanly."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "runtime test phrase"

pytestmark = pytest.mark.runtime


class Running:
    """One started platform."""

    def __init__(self, var_dir: Path, port: int) -> None:
        self.var_dir, self.port = var_dir, port
        self.log = var_dir.parent / f"{var_dir.name}.log"
        self.log.write_text("")
        self.process = start(var_dir, port, self.log.open("a"))

    def wait_until_up(self, seconds: float = 180) -> None:
        """Wait for the line that says where it runs."""
        end = time.monotonic() + seconds
        while "is running" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def request(self, method: str, path: str, body: str = "", **headers: str) -> http.client.HTTPResponse:
        """Send one HTTP request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body or None, headers)
        return connection.getresponse()

    def sign_in(self) -> tuple[str, str]:
        """Sign in; return (session cookie, csrf token)."""
        page = self.request("GET", "/sign-in/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())
        csrf = str(page.getheader("Set-Cookie")).split(";")[0].split("=", 1)[1]
        assert token is not None
        answer = self.request(
            "POST",
            "/sign-in/",
            f"username=admin&password={PASSWORD.replace(' ', '+')}&csrfmiddlewaretoken={token[1]}",
            **{"Cookie": f"csrftoken={csrf}", "Content-Type": "application/x-www-form-urlencoded"},
        )
        cookies = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
        assert answer.status == 302, answer.read()
        found = dict(cookie.split(";")[0].split("=", 1) for cookie in cookies)
        return found["sessionid"], found.get("csrftoken", csrf)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return exit status and seconds until the end."""
        began = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(20)
        return status, time.monotonic() - began


def start(var_dir: Path, port: int, log: IO[Any]) -> "subprocess.Popen[bytes]":
    kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "TEST_DB_SUFFIX")}
    environment = kept | {
        "VAR_DIR": str(var_dir),
        "ENV_FILE": "/nonexistent",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    command = [sys.executable, "manage.py", "up", "--port", str(port), "--no-sample-data"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("runtime") / "var", free_port())
    try:
        running.wait_until_up()
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def open_socket(platform: Running, session: str) -> ClientConnection:
    headers = {"Cookie": f"sessionid={session}"}
    return connect(f"ws://127.0.0.1:{platform.port}/ws/notifications/", additional_headers=headers)


def test_a_second_start_is_refused_at_once_and_names_the_first(platform: Running, tmp_path: Path) -> None:
    began = time.monotonic()

    with (tmp_path / "second.log").open("wb") as log:
        status = start(platform.var_dir, free_port(), log).wait(20)

    assert time.monotonic() - began < 10  # a second or two where nothing else runs
    assert status == 1
    said = (tmp_path / "second.log").read_text()
    assert str(platform.process.pid) in said
    assert f"http://localhost:{platform.port}/" in said


def test_a_taken_port_is_named_and_nothing_is_left_running(platform: Running, tmp_path: Path) -> None:
    with (tmp_path / "other.log").open("wb") as log:
        status = start(tmp_path / "var", platform.port, log).wait(30)

    assert status == 1
    assert f"127.0.0.1:{platform.port}" in (tmp_path / "other.log").read_text()


def test_pages_static_files_and_health_are_served(platform: Running) -> None:
    page = platform.request("GET", "/sign-in/")
    policy = str(page.getheader("Content-Security-Policy"))

    assert page.status == 200
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert platform.request("GET", "/static/css/tokens.css").status == 200
    assert platform.request("GET", "/static/vendor/htmx/htmx.min.js").status == 200
    assert json.loads(platform.request("GET", "/api/v1/health/").read()) == {"status": "ok"}


def test_every_queue_shows_a_sign_of_life(platform: Running) -> None:
    end = time.monotonic() + 30
    while True:
        parts = json.loads(platform.request("GET", "/api/v1/health/ready/").read())["parts"]
        if parts["workers"]["ok"] or time.monotonic() > end:
            break
        time.sleep(0.3)

    assert parts["workers"]["ok"], parts
    assert not list(ROOT.glob("celerybeat-schedule*"))  # all state belongs under VAR_DIR
    assert parts["database"]["ok"] and parts["broker_queue"]["ok"]


def test_signing_out_closes_the_open_socket_within_five_seconds(platform: Running) -> None:
    session, csrf = platform.sign_in()
    with open_socket(platform, session) as client:
        assert json.loads(client.recv(timeout=5))["type"] == "ready"
        began = time.monotonic()

        cookies = f"sessionid={session}; csrftoken={csrf}"
        answer = platform.request("POST", "/sign-out/", **{"Cookie": cookies, "X-CSRFToken": csrf})

        assert answer.status == 302
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4401
        assert time.monotonic() - began < 5


def test_another_sites_page_cannot_open_a_socket(platform: Running) -> None:
    session, _ = platform.sign_in()
    request = {
        "Cookie": f"sessionid={session}",
        "Origin": "https://evil.example",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }

    assert platform.request("GET", "/ws/notifications/", **request).status == 403


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_cleanly_with_a_socket_open(tmp_path: Path, number: int) -> None:
    running = Running(tmp_path / "var", free_port())
    try:
        running.wait_until_up()
        session, _ = running.sign_in()
        with open_socket(running, session) as client:
            client.recv(timeout=5)

            status, seconds = running.stop(number)
    finally:
        running.process.kill()

    assert status == 0, running.log.read_text()
    assert seconds < 5
    assert "Traceback" not in running.log.read_text()


def test_after_a_kill_it_starts_again_with_the_same_secrets(tmp_path: Path) -> None:
    running = Running(tmp_path / "var", free_port())
    try:
        running.wait_until_up()
        session, _ = running.sign_in()
        running.process.kill()
        running.process.wait()

        again = Running(tmp_path / "var", running.port)
        running.process = again.process
        again.wait_until_up()
        with open_socket(again, session) as client:
            assert json.loads(client.recv(timeout=5))["type"] == "ready"
    finally:
        running.process.kill()
        running.process.wait()
