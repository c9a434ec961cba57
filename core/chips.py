"""The plain words for every state that a page shows: label, colour and a sentence of help. No Django here.

Tones are names of css classes (`chip-<tone>`): quiet, info, good, bad, warn, wait.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chip:
    """How one state is shown."""

    label: str
    tone: str
    help: str


ORDER = {
    "initialized": Chip("New", "quiet", "Written down here; nothing has been checked or sent yet."),
    "pending_approval": Chip("Awaiting approval", "wait", "Automatic execution is off: approve or dismiss it."),
    "denied": Chip("Denied", "bad", "Stopped by your own risk rules. It never left the platform."),
    "held": Chip("Held", "quiet", "Part of a bracket: sent when its parent is filled."),
    "submitted": Chip("Submitted", "wait", "Sent to the broker; no answer yet."),
    "accepted": Chip("Accepted", "info", "Working at the broker. Not filled."),
    "triggered": Chip("Triggered", "info", "Its stop price was reached; working at the broker."),
    "partially_filled": Chip("Partly filled", "info", "Some of the quantity is filled; the rest is working."),
    "pending_update": Chip("Changing", "wait", "A change was sent; the broker has not confirmed it."),
    "pending_cancel": Chip("Canceling", "wait", "A cancel was sent; it can still fill until the broker confirms."),
    "filled": Chip("Filled", "good", "The whole quantity was executed."),
    "canceled": Chip("Canceled", "quiet", "Canceled at the broker; the unfilled rest is gone."),
    "expired": Chip("Expired", "quiet", "Its time in force ended before it was filled."),
    "rejected": Chip("Rejected", "bad", "The broker refused it."),
    "unresolved": Chip("Unresolved", "warn", "No clear answer from the broker. It counts as working until known."),
}

SIGNAL = {
    "executed": Chip("Executed", "good", "An order was sent for it."),
    "denied": Chip("Denied", "bad", "A risk rule stopped its order; the trace names the rule."),
    "awaiting_approval": Chip("Awaiting approval", "wait", "Automatic execution is off: approve or dismiss it."),
    "approved": Chip("Approved", "good", "Approved by hand."),
    "dismissed": Chip("Dismissed", "quiet", "Dismissed by hand; nothing was sent."),
    "expired": Chip("Expired", "quiet", "Nobody approved it in time."),
    "skipped": Chip("Skipped", "quiet", "No order was made for it; the reason is beside it."),
    "below_confidence": Chip("Below confidence", "quiet", "Its confidence is under your threshold."),
    "daily_trade_limit": Chip("Trade limit", "quiet", "Your number of trades a day is used up."),
    "market_closed": Chip("Market closed", "quiet", "The market was closed for this instrument."),
    "strategy_paused": Chip("Strategy paused", "quiet", "The strategy was paused when it came."),
    "stale_data": Chip("Stale data", "warn", "The data was too old to trade on."),
    "no_size": Chip("No size", "quiet", "Sizing gave less than one lot."),
    "duplicate": Chip("Duplicate", "quiet", "The same signal had been handled already."),
}

TRADING = {
    "active": Chip("Active", "good", "Orders may be sent."),
    "reducing": Chip("Reducing only", "warn", "Only orders that reduce a position are sent."),
    "halted": Chip("Halted", "bad", "No new risk is sent. Protective orders stay in force."),
}

STRATEGY = {
    "draft": Chip("Draft", "quiet", "Never started."),
    "running": Chip("Running", "good", "Decides on every bar."),
    "paused": Chip("Paused", "wait", "Opens nothing; its stops stay in force."),
    "stopped": Chip("Stopped", "quiet", "Switched off by hand."),
    "failed": Chip("Failed", "bad", "Stopped by an error; its stops stay in force."),
}

VERDICT = {
    "allowed": Chip("Allowed", "good", "Every rule let it pass."),
    "warned": Chip("Warned", "warn", "It passed, close to a limit."),
    "resized": Chip("Resized", "info", "Made smaller so that it fits the limit."),
    "denied": Chip("Denied", "bad", "A rule stopped it."),
}

PRIORITY = {
    "LOW": Chip("Low", "quiet", "Shown in the list."),
    "MEDIUM": Chip("Medium", "info", "Shown in the list and the bell."),
    "HIGH": Chip("High", "warn", "Needs attention soon."),
    "CRITICAL": Chip("Critical", "bad", "Needs attention now; repeats until acknowledged."),
}

JOB = {
    "queued": Chip("Queued", "quiet", "Waits for a free worker."),
    "running": Chip("Running", "info", "Being computed now."),
    "completed": Chip("Completed", "good", "Finished; the result is final."),
    "failed": Chip("Failed", "bad", "Stopped by an error; nothing of it counts."),
    "canceled": Chip("Canceled", "quiet", "Stopped by hand."),
}

SIDE = {
    "buy": Chip("Buy", "buy", "Buys the instrument."),
    "sell": Chip("Sell", "sell", "Sells the instrument."),
    "long": Chip("Long", "buy", "Gains when the price rises."),
    "short": Chip("Short", "sell", "Gains when the price falls."),
}

KINDS = {
    "order": ORDER,
    "signal": SIGNAL,
    "trading": TRADING,
    "strategy": STRATEGY,
    "verdict": VERDICT,
    "priority": PRIORITY,
    "job": JOB,
    "side": SIDE,
}


def chip_for(kind: str, state: str) -> Chip:
    """Look up how a state is shown; an unknown one is shown as it is called, with a warning tone."""
    known = KINDS[kind].get(state)
    return known or Chip(
        state.replace("_", " ").capitalize() or "Unknown", "warn", "A state that this page does not know."
    )
