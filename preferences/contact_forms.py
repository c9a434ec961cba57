"""The contact points of a user as a form: phone and webhooks. Browsers that take pushes come by the API."""

from typing import Any

from django import forms

from preferences.contacts import MAX_ADDRESS, MAX_WEBHOOKS, Contacts, clean_contacts

FORM = "preference-form"


class ContactsForm(forms.Form):
    """Where text messages and webhooks go; empty: nowhere."""

    contact_phone = forms.CharField(
        required=False,
        max_length=40,
        label="Phone",
        help_text="For text messages; with the country code, such as +43 660 1234567.",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "form": FORM}),
    )
    contact_webhooks = forms.CharField(
        required=False,
        max_length=MAX_WEBHOOKS * (MAX_ADDRESS + 2),
        label="Webhooks",
        help_text=f"Addresses that begin with https://, one a line, at most {MAX_WEBHOOKS}.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "form": FORM}),
    )

    def __init__(self, contacts: Contacts, data: Any = None) -> None:
        self.contacts = contacts
        self.update: dict[str, Any] = {}
        before = {"contact_phone": contacts.phone, "contact_webhooks": "\n".join(contacts.webhooks)}
        super().__init__(data, initial=before)

    def clean(self) -> dict[str, Any]:
        """Check what is wanted as the API does; ``update`` is what differs."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        lines = [line.strip() for line in cleaned["contact_webhooks"].splitlines() if line.strip()]
        given = {"phone": cleaned["contact_phone"], "webhooks": lines}
        wanted = {name: value for name, value in given.items() if f"contact_{name}" in self.data}
        after, faults = clean_contacts(wanted, self.contacts)
        for fault in faults:
            self.add_error(f"contact_{fault.field.partition('.')[2]}", fault.message)
        stored = after.stored()
        self.update = {name: stored[name] for name in wanted if stored[name] != self.contacts.stored()[name]}
        return cleaned
