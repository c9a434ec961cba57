"""docs/rest_tour.py against the platform as `manage.py up` runs it, with the sample data of a first start."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_runtime import PASSWORD, ROOT, free_port

pytestmark = [pytest.mark.runtime, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("tour")
    port, log = free_port(), folder / "platform.log"
    kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "TEST_DB_SUFFIX")}
    environment = kept | {
        "VAR_DIR": str(folder / "var"),
        "ENV_FILE": "/nonexistent",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    with log.open("wb") as output, (folder / "none").open("wb+") as nothing:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            cwd=ROOT, env=environment, stdin=nothing, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            _wait_until_up(process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def _wait_until_up(process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(1200):
        if "is running" in log.read_text():
            return
        assert process.poll() is None, log.read_text()
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(log.read_text())


def token_for(address: str, scopes: list[str]) -> str:
    body = json.dumps({"username": "admin", "password": PASSWORD, "scopes": scopes}).encode()
    request = urllib.request.Request(
        f"{address}/api/v1/auth/tokens/", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.loads(answer.read())["token"])


def tour(address: str, token: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "docs" / "rest_tour.py"), address, token]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def test_the_tour_by_rest_alone_goes_as_it_says(address: str) -> None:
    done = tour(address, token_for(address, ["read", "trade"]))

    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    for words in ("Signal at", "Fill:", "Notification:", "is denied", "kill switch", "nothing that adds risk went out"):
        assert words in said, said


def test_the_tour_stops_with_the_reason_when_its_token_may_not_trade(address: str) -> None:
    done = tour(address, token_for(address, ["read"]))

    assert done.returncode == 1
    assert "403" in done.stderr and "trade" in done.stderr
