"""Logging: JSON lines under VAR_DIR/logs, and readable lines on the console."""

import logging
import re
from pathlib import Path
from typing import Any

import structlog

SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


_SECRET = re.compile(r"\b(wh|tp)_[A-Za-z0-9_-]{16,}")


def without_secrets(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Cut tokens out of every text of an event: a webhook's stands in its address."""
    return {key: _SECRET.sub(r"\1_…", value) if isinstance(value, str) else value for key, value in event.items()}


class QuietRequestsFilter(logging.Filter):
    """Keeps refused requests off the console (they are in the file); failures are shown."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is shown."""
        is_request = record.name.startswith(("django.request", "django.security", "django_structlog", "axes"))
        return record.levelno >= logging.ERROR or not is_request


def configure_structlog() -> None:
    """Send structlog's events through the standard library's handlers."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.processors.UnicodeDecoder(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logging_config(*, folder: Path, level: str, is_single_process: bool) -> dict[str, Any]:
    """Return LOGGING. One process rotates its own file; several share one that the system's logrotate turns."""
    folder.mkdir(parents=True, exist_ok=True)
    file_handler: dict[str, Any] = {
        "formatter": "json",
        "filename": str(folder / "platform.jsonl"),
        "delay": True,
        "class": "logging.handlers.WatchedFileHandler",
    }
    if is_single_process:
        file_handler |= {
            "class": "logging.handlers.RotatingFileHandler",
            "maxBytes": 20_000_000,
            "backupCount": 5,
        }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": _formatter(structlog.processors.JSONRenderer(), with_traceback=True),
            "console": _formatter(_console_renderer(), with_traceback=False),
        },
        "filters": {"quiet_requests": {"()": QuietRequestsFilter}},
        "handlers": {
            "file": file_handler,
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "console",
                "level": "WARNING",
                "filters": ["quiet_requests"],
            },
        },
        "root": {"handlers": ["console", "file"], "level": level},
        "loggers": {
            "django.server": {"handlers": [], "level": level, "propagate": True},
            "django": {"handlers": [], "level": level, "propagate": True},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django_celery_beat": {"level": "WARNING"},
            "numba": {"level": "WARNING"},
        },
    }


def _console_renderer() -> Any:
    """Readable lines; tracebacks without the values of variables, which may be passwords."""
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def _formatter(renderer: Any, *, with_traceback: bool) -> dict[str, Any]:
    traceback = [structlog.processors.format_exc_info] if with_traceback else []
    last = [*traceback, without_secrets, renderer]
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        "foreign_pre_chain": SHARED_PROCESSORS,
    }
