"""Forms of the daily times of notifications: quiet hours, and when what was held back is told."""

from typing import Any

from django import forms

from preferences.notices import DigestTime, QuietTimes, clean_digest, clean_quiet


class QuietHoursForm(forms.Form):
    """The quiet hours: all three fields, or none of them."""

    quiet_start = forms.TimeField(required=False, label="From", widget=forms.TimeInput(attrs={"type": "time"}))
    quiet_end = forms.TimeField(required=False, label="Until", widget=forms.TimeInput(attrs={"type": "time"}))
    quiet_timezone = forms.CharField(required=False, max_length=64, label="Time zone (such as Europe/Paris)")

    def __init__(self, quiet: QuietTimes | None, data: Any = None) -> None:
        self.before = None if quiet is None else quiet.stored()
        super().__init__(data, initial={f"quiet_{name}": value for name, value in (self.before or {}).items()})
        for each in self.fields.values():
            each.widget.attrs["class"] = "form-control"

    def clean(self) -> dict[str, Any]:
        """Check what is wanted as the API does."""
        cleaned: dict[str, Any] = super().clean() or {}
        given = {name: cleaned.get(f"quiet_{name}") for name in ("start", "end", "timezone")}
        is_none = not any(given.values()) and not self.errors
        texts = {name: f"{given[name]:%H:%M}" if given[name] else "" for name in ("start", "end")}
        self.wanted = None if is_none else {**texts, "timezone": given["timezone"] or ""}
        for fault in clean_quiet(self.wanted)[1] if not self.errors else ():
            name = fault.field.partition(".")[2]
            self.add_error(f"quiet_{name}" if name else None, fault.message)
        return cleaned


class DigestForm(forms.Form):
    """The time of digests: both fields, or none of them."""

    digest_at = forms.TimeField(required=False, label="Daily at", widget=forms.TimeInput(attrs={"type": "time"}))
    digest_timezone = forms.CharField(required=False, max_length=64, label="Time zone (such as Europe/Paris)")

    def __init__(self, digest: DigestTime | None, data: Any = None) -> None:
        self.before = None if digest is None else digest.stored()
        super().__init__(data, initial={f"digest_{name}": value for name, value in (self.before or {}).items()})
        for each in self.fields.values():
            each.widget.attrs["class"] = "form-control"

    def clean(self) -> dict[str, Any]:
        """Check what is wanted as the API does."""
        cleaned: dict[str, Any] = super().clean() or {}
        at, zone = cleaned.get("digest_at"), cleaned.get("digest_timezone") or ""
        self.wanted = {"at": f"{at:%H:%M}" if at else "", "timezone": zone} if at or zone else None
        for fault in clean_digest(self.wanted)[1] if not self.errors else ():
            name = fault.field.partition(".")[2]
            self.add_error(f"digest_{name}" if name else None, fault.message)
        return cleaned
