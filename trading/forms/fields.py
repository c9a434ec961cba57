"""Form fields of trading: exact decimals as the API takes them, and the user's own accounts."""

import re
from decimal import Decimal
from typing import Any, ClassVar

from django import forms

from portfolio import selectors as portfolio

MAX_AMOUNT = Decimal(10) ** 12
_AMOUNT = re.compile(r"-?[0-9]{1,26}(\.[0-9]{1,12})?", re.ASCII)


class AmountField(forms.DecimalField):
    """An exact decimal: ASCII digits and one point, no exponent; thousands commas as in 100,000 are understood."""

    default_error_messages: ClassVar = {
        "invalid": "Write a number such as 1250 or 0.5.",
        "not_above": "It must be above %(bound)s.",
    }

    def __init__(self, *, above: Decimal | int | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("max_value", MAX_AMOUNT)
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        self.above = above
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        """Read the number; raises ValidationError for anything else."""
        if isinstance(value, str):
            value = value.strip()
            if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", value, re.ASCII):
                value = value.replace(",", "")
            if value and not _AMOUNT.fullmatch(value):
                raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)

    def validate(self, value: Any) -> None:
        """Check the exclusive lower bound."""
        super().validate(value)
        if value is not None and self.above is not None and value <= self.above:
            text = self.error_messages["not_above"]
            raise forms.ValidationError(text, code="not_above", params={"bound": self.above})


class AccountField(forms.ModelChoiceField):
    """One of the user's accounts; ``offer`` hands in which there are."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=None, **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        """Name the account and whether its money is real."""
        return f"{obj.name} ({obj.environment}, {obj.currency})"


def offer_accounts(form: forms.BaseForm, user: Any, *, choose: bool) -> None:
    """Offer the user's accounts in the form's ``account`` field; the only one there is may be chosen already."""
    field = form.fields["account"]
    if not isinstance(field, AccountField):
        raise TypeError(f"{type(form).__name__}.account is no AccountField.")
    rows = portfolio.accounts_of(user).order_by("created_at")
    field.queryset = rows
    if choose and len(only := rows[:2]) == 1:
        field.initial = only[0].pk
