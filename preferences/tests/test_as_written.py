"""The requests of the user's document, sent by curl to a server, word for word."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from apikeys.services import make_token
from core.testing import make_user

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]

TRADING = '{"auto_execute_signals": false, "min_confidence_threshold": 0.8, "max_daily_trades": 25}'
RISK = '{"max_position_size_percent": 3.0, "stop_loss_percent": 1.5, "max_drawdown_percent": 8.0}'
NOTIFICATIONS = (
    '{"add": {"event_type": "LARGE_LOSS", "channels": ["EMAIL", "SMS"], "priority": "HIGH", '
    '"conditions": {"loss_amount": {"min": 1000}}}}'
)


class Curl:
    """curl with a bearer token."""

    def __init__(self, address: str, token: str) -> None:
        self.address, self.token = address, token

    def __call__(self, method: str, path: str, body: str = "") -> Any:
        command = ["curl", "-sS", "-X", method, f"{self.address}/api/trading-engine/preferences{path}"]
        command += ["-H", f"Authorization: Bearer {self.token}"]
        command += ["-H", "Content-Type: application/json", "-d", body] if body else []
        command += ["-w", "\n%{http_code}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        text, _, status = done.stdout.rpartition("\n")
        assert status == "200", done.stdout
        return json.loads(text)


@pytest.fixture
def curl(live_server: Any) -> Curl:
    _, raw = make_token(make_user(), name="curl", scopes=("read", "trade"))
    return Curl(live_server.url, raw)


def test_the_requests_of_the_document_work_as_they_are_written(curl: Curl) -> None:
    trading = curl("PUT", "/trading", TRADING)
    risk = curl("PUT", "/risk", RISK)
    notifications = curl("PUT", "/notifications", NOTIFICATIONS)
    everything = curl("GET", "/")
    summary = curl("GET", "/summary")

    assert {**trading, **json.loads(TRADING)} == trading and trading["version"] == 1
    assert {**risk, **json.loads(RISK)} == risk and risk["version"] == 2
    entry = json.loads(NOTIFICATIONS)["add"]
    assert {**notifications["entries"][0], **entry} == notifications["entries"][0]
    categories = {"trading", "risk_management", "notifications", "strategy", "market_data", "performance"}
    assert categories | {"user_id", "version"} == set(everything) and everything["version"] == 3
    assert summary["notifications"] == {"total_preferences": 1, "enabled_preferences": 1}


def test_the_rest_of_the_contract_works_from_curl(curl: Curl) -> None:
    curl("PATCH", "/performance", '{"update_interval_seconds": 2}')
    curl("PUT", "/market-data/", '{"refresh_interval_seconds": 3}')
    curl("PUT", "/strategy", '{"max_strategies": 4}')

    assert curl("GET", "/strategy")["max_strategies"] == 4
    assert curl("GET", "/defaults")["defaults"]["strategy"]["max_strategies"] == 10
    assert [each["version"] for each in curl("GET", "/history")["results"]] == [3, 2, 1]
    asked = '{"category": "risk", "values": {"max_leverage": 0.5}}'
    assert set(curl("POST", "/preview", asked)["impact"]) == {"order_executor"}
    assert curl("POST", "/rollback", '{"version": 1}')["strategy"]["max_strategies"] == 10
    assert curl("POST", "/reset", '{"category": "performance"}')["performance"]["update_interval_seconds"] == 5
    assert curl("POST", "/reset", "{}")["market_data"]["refresh_interval_seconds"] == 1
    assert curl("POST", "/import", json.dumps(curl("GET", "/export")))["version"] == 5
    assert curl("GET", "/suggestions") == {"results": [], "next": None}
