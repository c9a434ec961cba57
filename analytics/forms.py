"""What the analytics page can be narrowed by."""

from typing import Any, cast

from django import forms
from django.utils import timezone

from core.days import begin_of, end_of
from portfolio import selectors as portfolio
from strategies import selectors as strategies


class AnalyticsFilter(forms.Form):
    """An account or a strategy (one choice), a time, a benchmark; everything is optional."""

    whose = forms.ChoiceField(required=False, label="Whose results")
    start = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))
    benchmark = forms.CharField(
        required=False, label="Benchmark", max_length=32, widget=forms.TextInput(attrs={"placeholder": "Benchmark"})
    )

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        accounts = [(f"account:{row.pk}", row.name) for row in portfolio.accounts_of(user).order_by("name")]
        named = [(f"strategy:{row.pk}", row.name) for row in strategies.strategies_of(user).order_by("name")]
        choices: list[Any] = [("", "All accounts")]
        choices += [("Accounts", accounts)] if accounts else []
        choices += [("Strategies", named)] if named else []
        cast(forms.ChoiceField, self.fields["whose"]).choices = choices
        for field in self.fields.values():
            kind = "form-select" if isinstance(field, forms.ChoiceField) else "form-control"
            field.widget.attrs["class"] = kind

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins."""
        values = super().clean() or {}
        start, end = values.get("start"), values.get("end")
        if start and end and start > end:
            self.add_error("end", f"{end} is before {start}.")
        return values

    def asked(self) -> dict[str, Any]:
        """Return what `selectors.asked_for` takes; days are the user's own, the last one included."""
        values = self.cleaned_data
        kind, _, key = values["whose"].partition(":")
        asked: dict[str, Any] = {kind: key} if key else {}
        zone = timezone.get_current_timezone()
        if values["start"]:
            asked["start"] = begin_of(values["start"], zone)
        if values["end"]:
            asked["end"] = end_of(values["end"], zone)
        return {**asked, "benchmark": values["benchmark"].strip().upper()}

    @property
    def is_narrowed(self) -> bool:
        """Tell whether anything is chosen."""
        return any(self.data.get(name) for name in self.fields)
