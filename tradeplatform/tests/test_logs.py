"""No log line holds a token or the values of variables, whoever writes it and however."""

import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tradeplatform.configuration.logs import logging_config

TOKEN = "wh_KTSGJ3R2f8wwImOBfb516lpCsuEplC5NtR4DMBM8iiw"


@pytest.fixture
def handlers(tmp_path: Path) -> Iterator[list[logging.Handler]]:
    """The platform's own handlers, apart from those of the test runner."""
    config = logging_config(folder=tmp_path, level="INFO", is_single_process=True)
    configurator: Any = logging.config.DictConfigurator(config)  # type: ignore[attr-defined]  # not in its stub
    made = []
    formatters = {name: configurator.configure_formatter(each) for name, each in config["formatters"].items()}
    for formatter in formatters.values():
        handler = logging.Handler()
        handler.setFormatter(formatter)
        made.append(handler)
    yield made


def record(message: str, *args: Any, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("django.request", logging.WARNING, "x.py", 1, message, args, info)


def test_the_token_in_a_webhooks_address_is_cut_out(handlers: list[logging.Handler]) -> None:
    for handler in handlers:
        line = handler.format(record("Not Found: %s", f"/api/v1/webhooks/signals/{TOKEN}/"))

        assert "/api/v1/webhooks/signals/wh_" in line
        assert TOKEN not in line and TOKEN[-8:] not in line


def fail(password: str) -> None:
    raise RuntimeError("no database")


def test_a_traceback_shows_no_values_of_variables(handlers: list[logging.Handler]) -> None:
    with pytest.raises(RuntimeError) as failed:
        fail("correct " + "horse")

    for handler in handlers:
        line = handler.format(record("Internal Server Error", error=failed.value))

        assert "no database" in line
        assert "correct horse" not in line
