"""The services way as real processes: migrate, web, worker, beat and stream on PostgreSQL and Redis."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.test_runtime import ROOT, free_port

DATABASE_URL, REDIS_URL = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
BIN = Path(sys.executable).parent
QUEUES = "trading,risk,notifications,backtests,default"

pytestmark = [
    pytest.mark.runtime,
    pytest.mark.services,
    pytest.mark.skipif(not (DATABASE_URL and REDIS_URL), reason="DATABASE_URL and REDIS_URL are not set"),
]


class Services:
    """The processes of one installation with a database of its own."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.port = folder, free_port()
        self.environment = os.environ | {
            "DATABASE_URL": re.sub(r"/[^/]*$", f"/{database}", DATABASE_URL),
            "VAR_DIR": str(folder / "var"),
            "ENV_FILE": "/nonexistent",
            "REDIS_PREFIX": f"{database}:",
            "SECRET_KEY": "services-test-" + "x" * 50,
            "FIELD_MASTER_KEYS": "1:c2VydmljZXMtdGVzdC1rZXktMzItYnl0ZXMtbG9uZyE=",
            "AUDIT_KEY": "services-test-audit",
        }
        self.started: list[subprocess.Popen[bytes]] = []

    def manage(self, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a management command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a process that stays."""
        log = (self.folder / f"{Path(command[0]).name}{len(self.started)}.log").open("w")
        process = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
        )
        self.started.append(process)
        return process

    def logs(self) -> str:
        """Return what every process has said."""
        return "\n".join(f"== {path.name}\n{path.read_text()}" for path in sorted(self.folder.glob("*.log")))

    def get(self, path: str) -> http.client.HTTPResponse:
        """Send a GET to the web process."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        return connection.getresponse()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    name = f"services_{uuid4().hex[:12]}"
    with psycopg.connect(DATABASE_URL, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    running = Services(tmp_path_factory.mktemp("services"), name)
    try:
        for command in (["migrate", "-v", "0"], ["collectstatic", "--noinput", "-v", "0"]):
            done = running.manage(*command)
            assert done.returncode == 0, done.stderr
        web = ["uvicorn", "tradeplatform.asgi:application", "--lifespan", "off", "--port", str(running.port)]
        running.start(str(BIN / web[0]), *web[1:])
        running.start(str(BIN / "celery"), "-A", "tradeplatform", "worker", "-Q", QUEUES, "-c", "1")
        running.start(str(BIN / "celery"), "-A", "tradeplatform", "beat")
        running.start(sys.executable, "manage.py", "stream", "replay")
        yield running
    finally:
        for process in running.started:
            process.kill()
            process.wait()
        with psycopg.connect(DATABASE_URL, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def test_every_part_becomes_ready(services: Services) -> None:
    end, parts = time.monotonic() + 60, {}
    while time.monotonic() < end and not parts.get("workers", {}).get("ok"):
        time.sleep(0.5)
        try:
            parts = json.loads(services.get("/api/v1/health/ready/").read())["parts"]
        except ConnectionError:
            continue

    assert all(parts[name]["ok"] for name in ("database", "broker_queue", "workers", "engine")), services.logs()


def test_static_files_are_served_under_hashed_names_for_good(services: Services) -> None:
    page = services.get("/sign-in/").read().decode()
    address = re.search(r'href="(/static/css/tokens\.[0-9a-f]{12}\.css)"', page)

    assert address, page
    answer = services.get(address[1])
    assert answer.status == 200
    assert "immutable" in str(answer.getheader("Cache-Control"))


def test_the_deployment_check_has_no_warning(services: Services) -> None:
    done = services.manage("check", "--deploy", "--fail-level", "WARNING", SITE_URL="https://trade.example")

    assert done.returncode == 0, done.stderr


def test_a_database_server_without_given_keys_is_refused(services: Services, tmp_path: Path) -> None:
    done = services.manage("check", FIELD_MASTER_KEYS="", VAR_DIR=str(tmp_path))

    assert done.returncode != 0
    assert "FIELD_MASTER_KEYS" in done.stderr


def test_up_says_that_services_are_started_one_by_one(services: Services, tmp_path: Path) -> None:
    done = services.manage("up", VAR_DIR=str(tmp_path))

    assert done.returncode == 1
    assert "docs/operations.md" in done.stderr


def test_every_process_ends_on_sigterm(services: Services) -> None:
    for process in services.started:
        process.send_signal(signal.SIGTERM)

    web, *others = [process.wait(15) for process in services.started]
    assert web in (0, -signal.SIGTERM), services.logs()  # uvicorn's command ends by the signal that it has obeyed
    assert others == [0, 0, 0], services.logs()
