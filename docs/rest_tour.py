"""A tour of the platform by its REST API alone, with nothing but Python's standard library.

    python docs/rest_tour.py http://localhost:8000 TOKEN

TOKEN needs the scopes read and trade: `python manage.py api_token USERNAME --scopes read,trade` prints one. The tour
opens a paper account of its own, lets a strategy trade AAPL on replayed bars, follows a signal to its notification, has
an order refused by a limit, and stops everything with the account's kill switch. It ends with status 1 if anything is
not as it says. `tests/test_rest_tour.py` runs it.
"""

import json
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

PATIENCE = 60.0
SYMBOL = "AAPL"


class Api:
    """The platform's REST API."""

    def __init__(self, base: str, token: str) -> None:
        self.base, self.token = base.rstrip("/"), token

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request and return the JSON of its answer; leave the tour with the problem's words otherwise."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())  # a repeated request can then not make a second order
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/api/v1/{path}", data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            problem = json.loads(error.read() or b"{}")
            raise SystemExit(f"{method} {path}: {error.code} {problem.get('detail', problem)}") from None
        except OSError as error:
            raise SystemExit(f"{self.base} does not answer: {error}") from None

    def get(self, path: str) -> Any:
        """GET."""
        return self.call("GET", path)

    def rows(self, path: str) -> list[dict[str, Any]]:
        """GET the first page of a list."""
        found: list[dict[str, Any]] = self.get(path)["results"]
        return found


def say(text: str) -> None:
    """Tell a step in plain words."""
    print(text, flush=True)


def expect(is_so: bool, text: str) -> None:
    """Leave the tour if something is not as promised."""
    if not is_so:
        raise SystemExit(f"This is not as it should be: {text}")


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    """Look again and again until something is there."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > end:
            raise SystemExit(f"Waited {PATIENCE:.0f} seconds for {what}, in vain.")
        time.sleep(0.2)
    return found


def open_account(api: Api, name: str) -> str:
    """Open a paper account; return its id."""
    account = api.call("POST", "accounts/", {"name": name, "broker": "paper", "starting_cash": "100000"})
    say(f"1. Opened the paper account “{name}” with {account['cash']} {account['currency']} of play money.")
    return str(account["id"])


def start_strategy(api: Api, name: str, account: str) -> str:
    """Make a strategy, start it, and make its market go faster; return its id."""
    strategy = api.call(
        "POST",
        "strategies/",
        {
            "name": name,
            "type": "sma_cross",
            "parameters": {"fast": 5, "slow": 15},
            "symbols": [SYMBOL],
            "timeframe": "1d",
            "account": account,
            "sizing": {"method": "percent_equity", "value": "3"},
        },
    )
    started = api.call("POST", f"strategies/{strategy['id']}/start/", {})
    expect(started["state"] == "running", f"the strategy is {started['state']}")
    say(f"2. Made and started “{name}”: it buys {SYMBOL} when its 5-day average crosses above the 15-day one.")
    return str(strategy["id"])


def clock_of(api: Api) -> dict[str, Any]:
    """Return the market clock of the symbol."""
    clocks = api.rows("replays/?limit=500")
    return next(clock for clock in clocks if SYMBOL in [feed["symbol"] for feed in clock["feeds"]])


def speed_up(api: Api, speed: int) -> None:
    """Let the market of the symbol play faster."""
    clock = clock_of(api)
    expect(clock["state"] != "ended", f"the replay of {SYMBOL} has come to its end; import more bars, or restart it")
    api.call("PATCH", f"replays/{clock['id']}/", {"speed": speed, "state": "running"})
    say(f"3. Its market, a replay of real daily bars, stands at {clock['market_time']}; it now plays {speed} a second.")


def follow_signal(api: Api, strategy: str) -> None:
    """Follow the first signal that became an order down to its notification."""
    mine = f"signals/?strategy={strategy}&side=buy"
    signal = wait_for("a signal", lambda: [row for row in api.rows(mine) if row["outcome"] == "executed"])[-1]
    say(f"4. Signal at {signal['at']}: {signal['side']} {SYMBOL} at {signal['price']}. {signal['reason']}".rstrip())
    trace = wait_for("its fill", lambda: (found := api.get(f"signals/{signal['id']}/trace/"))["fills"] and found)
    order = next(row for row in trace["orders"] if row["role"] == "entry")
    fill = next(row for row in trace["fills"] if row["order"] == order["id"])
    expect(fill["at"] > signal["at"], "a signal at a bar's close must not fill before the next bar")
    say(f"   Order: {order['side']} {order['quantity']}, {order['status']}.")
    say(f"   Fill: {fill['quantity']} at {fill['price']}.")
    asked = [step for step in trace["steps"] if step["stage"] == "rule"]
    say(f"   Its trace has {len(trace['steps'])} steps; {len(asked)} limits were asked, such as: {asked[0]['text']}.")
    position = api.rows(f"positions/?strategy={strategy}&include_flat=true")[0]
    say(f"   Position now: {position['quantity']} {SYMBOL}, profit so far {position['realized_pnl']} booked.")
    link = f"/orders/{order['id']}/"
    told = wait_for(
        "the notification",
        lambda: [n for n in api.rows("notifications/?type=order_filled&limit=500") if n["link"] == link],
    )[0]
    say(f"   Notification: {told['title']}.")


def see_denied(api: Api, account: str, strategy: str) -> None:
    """Set a limit below the next order and see it refused, by hand and by the strategy."""
    rule = {"name": f"Tour limit {account[:8]}", "type": "max_order_value", "account": account, "limit": "100"}
    api.call("POST", "risk/rules/", {**rule, "action": "reject"})
    since = {row["id"] for row in api.rows(f"signals/?strategy={strategy}&limit=500")}
    say("5. Set the limit: no order in this account may be worth more than 100.")
    body = {"account": account, "symbol": SYMBOL, "side": "buy", "type": "market", "notional": "1000"}
    foreseen = api.call("POST", "orders/preview/", body)["decision"]
    order = api.call("POST", "orders/", body)
    expect(foreseen["verdict"] == order["decision"]["verdict"] == "denied", "the limit did not hold")
    expect(order["status"] == "denied", f"the order is {order['status']}")
    say(f"   An order by hand, foreseen as {foreseen['verdict']}, is {order['status']}: {order['reason']}.")
    denied = wait_for(
        "the strategy's next signal",
        lambda: [
            row for row in api.rows(f"signals/?strategy={strategy}&outcome=denied&limit=500") if row["id"] not in since
        ],
    )[0]
    expect("Tour limit" in denied["message"], f"another reason was given: {denied['message']}")
    say(f"   The strategy's next signal, at {denied['at']}, is denied too: {denied['message']}.")


def new_risk(api: Api, account: str) -> set[str]:
    """Return the ids of the account's orders that left the platform and were not made to reduce."""
    rows = api.rows(f"orders/?account={account}&limit=500")
    return {row["id"] for row in rows if row["submitted_at"] and not row["reduce_only"]}


def kill(api: Api, account: str) -> None:
    """Engage the account's kill switch and see that nothing more goes out while the market goes on."""
    limit = api.rows(f"risk/rules/?account={account}")[0]
    api.call("DELETE", f"risk/rules/{limit['id']}/")  # so that nothing but the switch can hold an order back
    switch = {"engaged": True, "scope": "account", "target": account, "reason": "end of the tour"}
    answer = api.call("PUT", "risk/kill-switch/", switch)
    expect(answer["engaged"], "the kill switch is not engaged")
    say("6. Took the limit away again and engaged the account's kill switch.")
    time.sleep(1)  # what was decided in the very moment of the switch may take that long to show
    before = new_risk(api, account)
    clock = clock_of(api)
    body = {"account": account, "symbol": SYMBOL, "side": "buy", "type": "market", "quantity": "1"}
    order = api.call("POST", "orders/", body)
    expect(order["status"] == "denied", f"the order is {order['status']}")
    say(f"   An order by hand is {order['status']}: {order['reason']}.")
    stood = clock["market_time"]
    wait_for("30 more bars", lambda: _bars_since(api, clock["id"], stood) >= 30)
    expect(new_risk(api, account) == before, "an order went out in spite of the kill switch")
    say("   The market played 30 bars on, and nothing that adds risk went out.")


def _bars_since(api: Api, clock: str, stood: str) -> int:
    moved = api.get(f"replays/{clock}/")["market_time"]
    if moved == stood:
        return 0
    return len(api.get(f"bars/?symbol={SYMBOL}&timeframe=1d&start={stood}&end={moved}&limit=100")["t"])


def tour(api: Api) -> None:
    """Walk through all of it."""
    expect(api.get("health/")["status"] == "ok", "the platform is not well")
    stamp = uuid.uuid4().hex[:6]
    account = open_account(api, f"Tour {stamp}")
    strategy = start_strategy(api, f"Tour crossing {stamp}", account)
    speed_up(api, 20)
    follow_signal(api, strategy)
    see_denied(api, account, strategy)
    kill(api, account)
    api.call("POST", f"strategies/{strategy}/stop/", {"reason": "end of the tour"})
    state = api.get(f"accounts/{account}/")
    worth = Decimal(state["equity"])
    say(f"7. Stopped the strategy. The account is worth {worth:.2f} {state['currency']}. This was the tour.")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    tour(Api(sys.argv[1], sys.argv[2]))
