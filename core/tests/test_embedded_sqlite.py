"""Writers of one process take turns: none polls, none starves, a turn always comes back."""

import threading
import time

import pytest
from django.db import connection, transaction
from django.db.utils import OperationalError

from core import urgency
from core.models import AuditHead

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has row locks"),
]


@pytest.mark.serial
def test_a_waiting_writer_goes_on_as_soon_as_the_turn_is_free():
    began = threading.Event()
    waited: list[float] = []

    def holder():
        with transaction.atomic():
            AuditHead.objects.create(pk=1)
            began.set()
            time.sleep(0.2)
        waited.append(-time.perf_counter())
        connection.close()

    thread = threading.Thread(target=holder)
    thread.start()
    began.wait()
    with transaction.atomic():
        after = time.perf_counter()
        AuditHead.objects.update(chain_seq=2)
    thread.join()

    assert after + waited[0] < 0.05
    assert AuditHead.objects.get().chain_seq == 2


@pytest.mark.parametrize("fails", [True, False])
def test_the_turn_comes_back_after_a_commit_and_after_a_failure(fails):
    def work():
        with transaction.atomic():
            AuditHead.objects.create(pk=1)
            if fails:
                raise ZeroDivisionError

    if fails:
        with pytest.raises(ZeroDivisionError):
            work()
    else:
        work()

    assert not urgency.turns.is_taken


def test_a_writer_that_never_gets_its_turn_is_told(settings):
    assert urgency.turns.take(1)
    timeout, connection.settings_dict["OPTIONS"]["timeout"] = connection.settings_dict["OPTIONS"]["timeout"], 0.1
    try:
        with pytest.raises(OperationalError, match="locked"), transaction.atomic():
            pass
    finally:
        connection.settings_dict["OPTIONS"]["timeout"] = timeout
        urgency.turns.give()
