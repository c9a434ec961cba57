"""The beat schedule: what happens again and again, as one table. Each entry only wakes a sweep; the work is in rows."""

from typing import Any

from tradeplatform.configuration.messaging import QUEUES

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "deliver facts that a crash left": {"task": "core.sweep_outbox", "schedule": 5.0},
    "bring accounts up to their market time": {"task": "trading.sweep_accounts", "schedule": 5.0},
    "measure what accounts hold against their limits": {"task": "trading.watch_accounts", "schedule": 5.0},
    "tell broken limits again that nobody has seen": {"task": "risk.escalate_breaches", "schedule": 5.0},
    "compare books with the venues": {"task": "trading.reconcile_accounts", "schedule": 60.0},
    "let signals expire that nobody approved": {"task": "trading.expire_signals", "schedule": 10.0},
    "pause strategies that underperform": {"task": "trading.review_strategies", "schedule": 10.0},
    "look for settings that the history speaks for": {"task": "trading.find_suggestions", "schedule": 3600.0},
    "take up backtests that a worker left": {"task": "backtesting.recover", "schedule": 10.0},
    "put expired preferences away": {"task": "preferences.expire", "schedule": 5.0},
    "chain new audit rows": {"task": "core.seal_audit", "schedule": 1.0},
    "write the audit head outside the database": {"task": "core.anchor_audit", "schedule": 60.0},
    "forget old idempotency keys": {"task": "core.forget_idempotency_keys", "schedule": 3600.0},
    "tell what was missed, held or counted": {"task": "notifications.sweep", "schedule": 5.0},
} | {
    f"sign of life from the queue {queue}": {
        "task": "tradeplatform.sign_of_life",
        "schedule": 10.0,
        "args": (queue,),
        "options": {"queue": queue, "expires": 30},
    }
    for queue in QUEUES
}
