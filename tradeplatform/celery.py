"""The Celery application: embedded or on Redis, as the settings say."""

import os

from celery import Celery
from kombu import Queue
from kombu.transport import TRANSPORT_ALIASES

from tradeplatform.configuration.messaging import QUEUES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")
TRANSPORT_ALIASES["inproc"] = "core.embedded.transport:Transport"

app = Celery("tradeplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in QUEUES]
app.autodiscover_tasks()
