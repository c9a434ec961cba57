"""A full disk is said in plain words; other failures of the database stay failures."""

import errno

import pytest
from django.db.utils import OperationalError

from core.api.errors import problem_handler


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("database or disk is full"),
        OperationalError('could not extend file "base/1": No space left on device'),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EFBIG, "File too large"),
    ],
)
def test_a_full_disk_is_503_in_plain_words_without_paths(error: Exception) -> None:
    response = problem_handler(error, {})

    assert response is not None and response.status_code == 503
    assert response.data["type"] == "urn:problem:disk_full"
    assert "disk of the platform is full" in response.data["detail"] and "base/1" not in response.data["detail"]
    assert response.headers["Retry-After"] == "30"


@pytest.mark.parametrize("error", [OperationalError("server closed the connection"), OSError(errno.EPERM, "no")])
def test_other_failures_stay_failures(error: Exception) -> None:
    assert problem_handler(error, {}) is None
