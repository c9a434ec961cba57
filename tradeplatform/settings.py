"""Settings, all from the environment (see .env.example); without any, one process on SQLite under VAR_DIR.

The themes are built in `tradeplatform/configuration/`: paths, secrets, databases, messaging, logs, policy.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

from environ import Env

from core.api.defaults import REST_FRAMEWORK as REST_FRAMEWORK_DEFAULTS
from core.api.defaults import SPECTACULAR_SETTINGS as SPECTACULAR_DEFAULTS
from tradeplatform.configuration.databases import database, may_hold_data
from tradeplatform.configuration.logs import configure_structlog, logging_config
from tradeplatform.configuration.messaging import (
    QUEUES,
    ROUTES,
    broker_options,
    broker_url,
    cache,
    channel_layer,
)
from tradeplatform.configuration.paths import BASE_DIR, environment_file, var_dir
from tradeplatform.configuration.policy import CONTENT_SECURITY_POLICY as CONTENT_SECURITY_POLICY
from tradeplatform.configuration.secrets import audit_key, master_keys, secret_key
from tradeplatform.configuration.vendor import vendor_files
from tradeplatform.schedule import BEAT_SCHEDULE

env = Env()
env.read_env(environment_file())

# State -----------------------------------------------------------------------------------------------------
RUNNING_TESTS = "pytest" in sys.modules
TEST_SUFFIX = env.str("TEST_DB_SUFFIX", default="")
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
VAR_DIR: Path = var_dir() / "tests" / f"run{TEST_SUFFIX}{_worker}" if RUNNING_TESTS else var_dir()
VAR_DIR.mkdir(parents=True, exist_ok=True)
BARS_URL = env.str("BARS_URL", default="") or str(VAR_DIR / "bars")
# Compiled kernels outlive processes, also where the code lies in a folder that nobody may write to.
os.environ.setdefault("NUMBA_CACHE_DIR", str(var_dir() / "cache" / "numba"))
STRATEGIES_DIR = env.str("STRATEGIES_DIR", default="") or str(VAR_DIR / "strategies")
REDIS_URL = env.str("REDIS_URL", default="")
DATABASES = {
    "default": database(
        env=env,
        var_dir=VAR_DIR,
        test_suffix=TEST_SUFFIX,
        durable=not RUNNING_TESTS or env.bool("TEST_SYNC_FULL", default=False),
    )
}
WAITS_FOR_DISK = not RUNNING_TESTS or env.bool("TEST_SYNC_FULL", default=False)
IS_EMBEDDED = not REDIS_URL  # one process: worker, beat and streams run beside the web server
SECRET_KEY = secret_key(given=env.str("SECRET_KEY", default=""), folder=VAR_DIR / "secrets")
_has_data = not RUNNING_TESTS and may_hold_data(DATABASES["default"])
FIELD_MASTER_KEYS = master_keys(
    given=env.str("FIELD_MASTER_KEYS", default=""), folder=VAR_DIR / "secrets", has_data=_has_data
)
AUDIT_KEY = audit_key(given=env.str("AUDIT_KEY", default=""), folder=VAR_DIR / "secrets", has_data=_has_data)

# Addresses and safety ---------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SITE_URL = env.str("SITE_URL", default="")  # https://… switches secure cookies and HSTS on
IS_HTTPS = SITE_URL.startswith("https://")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000) if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_REDIRECT_EXEMPT = [r"^api/v1/health/"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
CSRF_FAILURE_VIEW = "tradeplatform.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# Apps, floor by floor ---------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "servestatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "channels",
    "django_celery_beat",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "django_htmx",
    "django_structlog",
    "core",
    "realtime",
    "users",
    "apikeys",
    "preferences",
    "marketdata",
    "notifications",
    "portfolio",
    "strategies",
    "risk",
    "analytics",
    "trading",
    "backtesting",
    "tradeplatform",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tradeplatform.middleware.TimezoneMiddleware",
    "tradeplatform.parts.PartsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "tradeplatform.errors.ErrorAnswerMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "tradeplatform.urls"
ASGI_APPLICATION = "tradeplatform.asgi.application"
WSGI_APPLICATION = "tradeplatform.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "tradeplatform.navigation.navigation",
                "tradeplatform.shell.shell",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PREFERENCE_DEFAULTS = env.json("PREFERENCE_DEFAULTS", default={})  # {"risk_management": {"max_leverage": "0.5"}}
EVENT_WIRING = "tradeplatform.wiring"  # core.bus looks up there who hears what, realtime who may listen

# People -----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator", "NumericPasswordValidator")
] + [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    }
]
LOGIN_URL = "users:sign_in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "users:sign_in"
MFA_TOTP_TOLERANCE = 1  # a step of 30 s before and after: RFC 6238, 5.2
AXES_FAILURE_LIMIT = env.int("AXES_FAILURE_LIMIT", default=10)
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]  # either alone locks: per account and per address
AXES_RESET_ON_SUCCESS = False
AXES_CLIENT_IP_CALLABLE = "users.client_address.client_address"
AXES_LOCKOUT_CALLABLE = "users.views.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "password"]
AXES_VERBOSE = False
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])  # only these may name a client by X-Forwarded-For
if RUNNING_TESTS:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# API --------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = REST_FRAMEWORK_DEFAULTS
SPECTACULAR_SETTINGS = SPECTACULAR_DEFAULTS

# Jobs, sockets, cache -----------------------------------------------------------------------------------------
KEY_PREFIX = env.str("REDIS_PREFIX", default="trade:") + (f"test{TEST_SUFFIX}{_worker}:" if RUNNING_TESTS else "")
CHANNEL_LAYERS = {"default": channel_layer(REDIS_URL, prefix=KEY_PREFIX)}
CACHES = {"default": cache(REDIS_URL, prefix=KEY_PREFIX)}
CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = broker_options(REDIS_URL, prefix=f"{KEY_PREFIX}celery:")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = ROUTES
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 1000  # without it the Django fixup closes the database connection around every task
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_RESULT_EXPIRES = None
CELERY_TIMEZONE = "UTC"
CELERY_QUEUE_NAMES = QUEUES
BACKTEST_OPEN_JOBS = env.int("BACKTEST_OPEN_JOBS", default=20)  # a user's backtests, sweeps, walk-forwards that wait
BACKTEST_OPEN_SECONDS = env.float("BACKTEST_OPEN_SECONDS", default=4 * 3600.0)  # what they may take together
EMBEDDED_WORKER_THREADS = env.int("WORKER_THREADS", default=4)

# Files, language, time ------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "core.finders.VendorFinder",
]
VENDOR_FILES = vendor_files(Path(env.str("NPM_ROOT", default=str(BASE_DIR / "node_modules"))))
SERVESTATIC_USE_FINDERS = env.bool("STATIC_FROM_SOURCE", default=DEBUG or RUNNING_TESTS or IS_EMBEDDED)
SERVESTATIC_AUTOREFRESH = DEBUG or RUNNING_TESTS
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if SERVESTATIC_USE_FINDERS
        else "servestatic.storage.CompressedManifestStaticFilesStorage"
    },
}
MEDIA_ROOT = VAR_DIR / "media"
LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Logs -----------------------------------------------------------------------------------------------------------
LOGGING = logging_config(
    folder=VAR_DIR / "logs", level=env.str("LOG_LEVEL", default="INFO"), is_single_process=IS_EMBEDDED
)
DJANGO_STRUCTLOG_CELERY_ENABLED = False
configure_structlog()
