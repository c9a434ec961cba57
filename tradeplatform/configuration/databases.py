"""The database setting for both ways to run: SQLite in VAR_DIR, or PostgreSQL by DATABASE_URL."""

from pathlib import Path
from typing import Any

from environ import Env

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA busy_timeout=20000; PRAGMA cache_size=-16000; "
    "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;"
)


def database(*, env: Env, var_dir: Path, test_suffix: str, durable: bool) -> dict[str, Any]:
    """Return the `default` entry of DATABASES.

    `durable=False` turns fsync off and is for tests alone: an order must be on the disk before it is on the wire.
    """
    config: dict[str, Any] = dict(env.db_url("DATABASE_URL", default=f"sqlite:///{var_dir / 'platform.sqlite3'}"))
    if config["ENGINE"].endswith("sqlite3"):
        _configure_sqlite(config, var_dir=var_dir, test_suffix=test_suffix, durable=durable)
    else:
        _configure_postgresql(config, test_suffix=test_suffix, for_tests=not durable)
    return config


def may_hold_data(config: dict[str, Any]) -> bool:
    """Tell whether the database could hold data already: a server always could, an SQLite file if it exists."""
    return not config["ENGINE"].endswith("sqlite3") or Path(config["NAME"]).exists()


def _configure_sqlite(config: dict[str, Any], *, var_dir: Path, test_suffix: str, durable: bool) -> None:
    config["ENGINE"] = "core.embedded.sqlite3"  # writers of this process take turns
    config["CONN_MAX_AGE"] = None  # closing the last connection of a WAL database checkpoints it
    config["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # a deferred transaction that upgrades fails at once under load
        "timeout": 20,
        "init_command": SQLITE_PRAGMAS.format(synchronous="FULL" if durable else "OFF"),
    }
    config["TEST"] = {"NAME": str(var_dir / f"test{test_suffix}.sqlite3")}  # a file: tests use threads


def _configure_postgresql(config: dict[str, Any], *, test_suffix: str, for_tests: bool) -> None:
    # No pool: Celery's fixup closes the whole pool after every prefork task.
    config["CONN_MAX_AGE"] = 0 if for_tests else 600
    config["CONN_HEALTH_CHECKS"] = True
    # What the order road asks again and again is parsed and planned once a connection (measured: a fifth of the time).
    config.setdefault("OPTIONS", {}).update(server_side_binding=True, prepare_threshold=3)
    if for_tests:
        config.setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"
    config["TEST"] = {"NAME": f"test_{config['NAME']}{test_suffix}"}
