"""Signals from outside (a script, a chart's alert), and the secret addresses at which a strategy takes them."""

import hashlib
import secrets
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from django.db import transaction
from django.utils import timezone

from core.bus import publish
from domain.errors import FieldError, NotFound, ValidationFailed
from domain.events import AccessTokenChanged
from domain.signals import SignalRow, SignalSide
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account
from strategies.models import Strategy
from trading import selectors
from trading.models import Signal, WebhookToken
from trading.services import sending, signals
from trading.services.feeds import follow
from trading.services.placing import price_now

PREFIX = "wh_"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideSignal:
    """What somebody outside wants. A ``sell`` exits what is held, unless its strategy may go short."""

    symbol: str
    side: SignalSide
    confidence: float = 1.0
    reason: str = ""
    stop: Decimal | None = None
    take_profit: Decimal | None = None
    source: str = "api"


def take_outside_signal(account: Account, strategy: Strategy | None, wanted: OutsideSignal) -> Signal:
    """Bring an outside signal to its outcome like a strategy's own; its order goes to the venue after the commit.

    Raises NotFound for an unknown symbol, ValidationFailed for one that the strategy does not trade or without bars.
    """
    instrument = market.instrument(wanted.symbol)
    if strategy is not None and not strategy.instruments.filter(pk=instrument.pk).exists():
        text = f"{strategy.name} does not trade {instrument.symbol}"
        raise ValidationFailed(text, field="symbol", code="not_traded")
    with transaction.atomic():
        locked = portfolio.locked_account(account.pk)
        follow(locked, instrument)
        mark = price_now(instrument)
        _check_levels(wanted, instrument, mark.price)
        now = market.market_time(instrument)
        signal, order = signals.commit_signal(
            signals.Statement(
                account_id=locked.pk,
                instrument=instrument,
                strategy=strategy,
                row=SignalRow(
                    side=_meant(locked, strategy, instrument, wanted.side),
                    confidence=wanted.confidence,
                    stop=None if wanted.stop is None else float(wanted.stop),
                    take_profit=None if wanted.take_profit is None else float(wanted.take_profit),
                    reason=wanted.reason,
                ),
                price=mark.price,
                at=now,
                source=wanted.source,
                timeframe=strategy.timeframe if strategy else "",
                hours=market.market_hours(instrument, now),
                is_from_bar=False,
            )
        )
        if order is not None:
            transaction.on_commit(partial(sending.dispatch, [order.pk]))
    signal.refresh_from_db()
    return signal


def _meant(account: Account, strategy: Strategy | None, instrument: Instrument, side: SignalSide) -> SignalSide:
    if side is not SignalSide.SELL or (strategy is not None and strategy.allow_short):
        return side
    held = selectors.held_quantity(account, instrument, strategy.pk if strategy else None)
    return SignalSide.EXIT if held >= 0 else side


def _check_levels(wanted: OutsideSignal, instrument: Instrument, price: Decimal) -> None:
    """A stop and a target must lie on their sides of the price, as those of an order."""
    sign = 1 if wanted.side is SignalSide.BUY else -1
    found = []
    for name, level, good in (("stop", wanted.stop, -sign), ("take_profit", wanted.take_profit, sign)):
        if level is not None and wanted.side is not SignalSide.EXIT and (level - price) * good <= 0:
            text = f"The {name.replace('_', ' ')} {level} of {instrument.symbol} lies on the wrong side of {price}"
            found.append(FieldError(name, "wrong_side", text))
    if found:
        raise ValidationFailed.of(tuple(found))


def make_webhook(strategy: Strategy) -> tuple[WebhookToken, str]:
    """Give a strategy a new secret address (an older one ends) and return it with the raw token, nowhere kept.

    Publishes AccessTokenChanged.
    """
    raw = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        Strategy.objects.select_for_update().get(pk=strategy.pk)
        revoke_webhook(strategy)
        row = WebhookToken.objects.create(
            user_id=strategy.user_id, strategy=strategy, token_hash=_digest(raw), hint=raw[-4:]
        )
        _tell(row, strategy, "created")
    return row, raw


def revoke_webhook(strategy: Strategy) -> int:
    """End the secret addresses of a strategy; return how many there were. Publishes AccessTokenChanged."""
    with transaction.atomic():
        rows = list(WebhookToken.objects.select_for_update().filter(strategy=strategy, revoked_at=None))
        for row in rows:
            row.revoked_at = timezone.now()
            row.save(update_fields=["revoked_at", "updated_at"])
            _tell(row, strategy, "revoked")
    return len(rows)


def webhook_for(raw: str) -> WebhookToken:
    """Return the row of a raw token and note its use. Raises NotFound for one that is unknown or revoked."""
    rows = WebhookToken.objects.select_related("strategy__account", "user")
    row: WebhookToken | None = rows.filter(token_hash=_digest(raw), revoked_at=None).first()
    if row is None or not row.user.is_active:
        raise NotFound("There is no such address")
    WebhookToken.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
    return row


def _digest(raw: str) -> str:
    return hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest()


def _tell(row: WebhookToken, strategy: Strategy, change: str) -> None:
    publish(
        AccessTokenChanged(
            at=timezone.now(),
            user_id=row.user_id,
            token_id=row.pk,
            token=f"webhook of {strategy.name}",
            change=change,
            scopes=("webhook",),
        )
    )
