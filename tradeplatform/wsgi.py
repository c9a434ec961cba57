"""The HTTP application."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")
application = get_wsgi_application()
