"""Forms of the notification pages: the list's filters and how long to snooze."""

from datetime import timedelta

from django import forms

from domain.notices import NotificationType, Priority

SNOOZES = ((1, "1 hour"), (4, "4 hours"), (24, "1 day"))


def _words(value: str) -> str:
    return value.replace("_", " ").capitalize()


class FilterForm(forms.Form):
    """What the list shows; everything is optional."""

    type = forms.ChoiceField(
        required=False,
        choices=[("", "Every type"), *((kind.value, _words(kind)) for kind in NotificationType)],
        widget=forms.Select({"class": "form-select"}),
    )
    priority = forms.ChoiceField(
        required=False,
        choices=[("", "Every priority"), *((each.value, _words(each)) for each in Priority)],
        widget=forms.Select({"class": "form-select"}),
    )
    unread = forms.BooleanField(
        required=False, label="Unread only", widget=forms.CheckboxInput({"class": "form-check-input"})
    )
    incident = forms.UUIDField(required=False, widget=forms.HiddenInput)
    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)


class SnoozeForm(forms.Form):
    """How long a notification is put away."""

    hours = forms.TypedChoiceField(coerce=int, choices=SNOOZES)

    @property
    def period(self) -> timedelta:
        """Return the chosen period (of a valid form)."""
        return timedelta(hours=self.cleaned_data["hours"])
