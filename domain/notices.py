"""What the platform tells people: the three lists that preferences, notifications and the API share (upper case)."""

from enum import StrEnum


class NotificationType(StrEnum):
    """What a notification is about; a user has one preference entry for each."""

    ORDER_FILLED = "ORDER_FILLED"
    ORDER_REJECTED = "ORDER_REJECTED"
    ORDER_CANCELED = "ORDER_CANCELED"
    POSITION_UPDATE = "POSITION_UPDATE"
    LARGE_LOSS = "LARGE_LOSS"
    STRATEGY_SIGNAL = "STRATEGY_SIGNAL"
    STRATEGY_STATUS = "STRATEGY_STATUS"
    RISK_WARNING = "RISK_WARNING"
    RISK_BREACH = "RISK_BREACH"
    PRICE_ALERT = "PRICE_ALERT"
    SYSTEM_ALERT = "SYSTEM_ALERT"
    SECURITY_ALERT = "SECURITY_ALERT"
    DAILY_SUMMARY = "DAILY_SUMMARY"


class Channel(StrEnum):
    """A way to reach a person."""

    EMAIL = "EMAIL"
    SMS = "SMS"
    PUSH = "PUSH"
    IN_APP = "IN_APP"
    WEBHOOK = "WEBHOOK"


class Priority(StrEnum):
    """How much a notification matters; CRITICAL passes quiet hours and throttles."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """Return 0 for LOW up to 3 for CRITICAL."""
        return list(Priority).index(self)
