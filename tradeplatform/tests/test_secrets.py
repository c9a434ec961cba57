"""Secrets are made once, kept private, and never made again over existing data."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tradeplatform.configuration.secrets import MissingSecretError, audit_key, master_keys, secret_key, stored_secret


def test_a_secret_is_made_once_with_mode_600(tmp_path: Path) -> None:
    first = secret_key(given="", folder=tmp_path / "secrets")

    assert len(first) >= 50
    assert secret_key(given="", folder=tmp_path / "secrets") == first
    assert stat.S_IMODE((tmp_path / "secrets" / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_processes_that_start_together_end_with_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda n: stored_secret(tmp_path / "key", make=lambda: f"secret-{n}"), range(64)))

    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_lost_key_is_not_replaced_where_data_exists(tmp_path: Path) -> None:
    with pytest.raises(MissingSecretError, match="FIELD_MASTER_KEYS"):
        master_keys(given="", folder=tmp_path, has_data=True)
    with pytest.raises(MissingSecretError, match="AUDIT_KEY"):
        audit_key(given="", folder=tmp_path, has_data=True)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_secret_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("\n")

    with pytest.raises(MissingSecretError, match="empty"):
        secret_key(given="", folder=tmp_path)


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    assert secret_key(given="from-environment", folder=tmp_path) == "from-environment"
    assert not (tmp_path / "secret_key").exists()


def test_master_keys_carry_versions(tmp_path: Path) -> None:
    assert master_keys(given="1:old,2:new", folder=tmp_path, has_data=True) == {1: "old", 2: "new"}
    assert master_keys(given="only", folder=tmp_path, has_data=True) == {1: "only"}
    assert set(master_keys(given="", folder=tmp_path, has_data=False)) == {1}


@pytest.mark.parametrize("given", ["x:key", "0:key", "65536:key", "1:"])
def test_a_key_without_a_proper_version_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(MissingSecretError, match="version"):
        master_keys(given=given, folder=tmp_path, has_data=False)
