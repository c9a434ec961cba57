"""The audit chain finds every way of tampering and names the first bad row."""

import threading
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from core import audit
from core.models import AuditHead, OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def write(n: int) -> None:
    for i in range(n):
        OutboxEvent.objects.create(
            event_id=uuid.uuid4(), name="order.filled", payload={"i": i, "price": "1.50"}, at=timezone.now()
        )


def test_an_untouched_log_is_verified():
    write(5)
    audit.seal()
    write(3)
    audit.seal()
    write(1)

    found = audit.verify()

    assert (found.ok, found.checked, found.unsealed) == (True, 8, 1)


def edit():
    OutboxEvent.objects.filter(chain_seq=3).update(payload={"i": 2, "price": "1.51"})


def delete():
    OutboxEvent.objects.filter(chain_seq=3).delete()


def cut_off():
    OutboxEvent.objects.filter(chain_seq__gte=3).delete()


def insert():
    OutboxEvent.objects.filter(chain_seq__gte=3).delete()
    OutboxEvent.objects.create(
        event_id=uuid.uuid4(), name="x", payload={}, at=timezone.now(), chain_seq=3, prev_hash="0", hash="1"
    )


def reorder():
    OutboxEvent.objects.filter(chain_seq=3).update(chain_seq=100)
    OutboxEvent.objects.filter(chain_seq=4).update(chain_seq=3)
    OutboxEvent.objects.filter(chain_seq=100).update(chain_seq=4)


@pytest.mark.parametrize("tamper", [edit, delete, cut_off, insert, reorder])
def test_tampering_is_found_and_the_first_bad_row_is_named(tamper):
    write(6)
    audit.seal()

    tamper()
    found = audit.verify()

    assert not found.ok
    assert found.chain_seq == 3
    assert found.checked == 2


def test_a_restored_old_copy_is_found_by_the_anchor():
    write(4)
    audit.seal()
    audit.anchor()
    OutboxEvent.objects.filter(chain_seq__gt=2).delete()
    second = OutboxEvent.objects.get(chain_seq=2)
    AuditHead.objects.update(chain_seq=2, hash=second.hash)

    found = audit.verify()

    assert not found.ok
    assert "row 4 was already written" in found.message


def test_a_log_written_anew_with_the_key_is_found_by_the_anchor():
    write(3)
    audit.seal()
    audit.anchor()
    OutboxEvent.objects.update(chain_seq=None, prev_hash="", hash="", name="order.canceled")
    AuditHead.objects.all().delete()
    audit.seal()

    assert not audit.verify().ok


def test_concurrent_writers_and_sealers_make_one_sequence():
    def work():
        try:
            for _ in range(10):
                write(1)
                audit.seal()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    audit.seal()

    found = audit.verify()
    assert (found.ok, found.checked, found.unsealed) == (True, 40, 0)


def test_the_command_says_what_is_wrong(capsys):
    write(3)
    call_command("audit_verify")
    assert "3 rows checked" in capsys.readouterr().out
    OutboxEvent.objects.filter(chain_seq=2).update(name="order.denied")

    with pytest.raises(CommandError, match="Row 2"):
        call_command("audit_verify")
