"""The platform's own secrets: taken from the environment, else made once in VAR_DIR/secrets with mode 600."""

import base64
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path


class MissingSecretError(RuntimeError):
    """A secret is gone while data that needs it is still there; making a new one would lose that data."""


def secret_key(*, given: str, folder: Path) -> str:
    """Return Django's SECRET_KEY: the given one, else the stored one, else a new one."""
    return given or stored_secret(folder / "secret_key", make=lambda: secrets.token_urlsafe(64))


def audit_key(*, given: str, folder: Path, has_data: bool) -> str:
    """Return the key of the audit chain; like the master keys it is made only where there is no data yet."""
    return given or stored_secret(
        folder / "audit_key", make=lambda: secrets.token_urlsafe(48), may_make=not has_data, variable="AUDIT_KEY"
    )


def master_keys(*, given: str, folder: Path, has_data: bool) -> dict[int, str]:
    """Return the field master keys by version.

    `given` is `1:key,2:key` or one bare key (version 1). Without it the file `field_master_keys` (one
    `version:key` a line) is read. It is made only where there is no data yet.
    """
    text = given or stored_secret(
        folder / "field_master_keys",
        make=lambda: "1:" + base64.urlsafe_b64encode(os.urandom(32)).decode(),
        may_make=not has_data,
        variable="FIELD_MASTER_KEYS",
    )
    return dict(_parse_key(part) for part in text.replace("\n", ",").split(",") if part.strip())


def stored_secret(path: Path, *, make: Callable[[], str], may_make: bool = True, variable: str = "") -> str:
    """Read a secret file, or make it once: two processes that start together end with the same secret."""
    if not path.exists():
        if not may_make:
            raise MissingSecretError(
                f"{path} is missing, and the database may already hold data that depends on it. Put the file back from "
                f"your backup. For a new installation on a database server, set {variable} for every process "
                "(`openssl rand -base64 32` makes a good one)."
            )
        _write_once(path, make())
    text = path.read_text(encoding="utf-8").strip()
    if not text:
        raise MissingSecretError(f"{path} is empty. Put the file back from your backup.")
    return text


def _write_once(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    with contextlib.suppress(FileExistsError):  # a link never replaces: the first process wins
        os.link(draft, path)
    draft.unlink()


def _parse_key(part: str) -> tuple[int, str]:
    version, colon, key = part.strip().partition(":")
    if not colon:
        return 1, version
    if not version.isdecimal() or not 0 < int(version) < 65536 or not key:
        raise MissingSecretError("A field master key must read `version:key`, with a version from 1 to 65535.")
    return int(version), key
