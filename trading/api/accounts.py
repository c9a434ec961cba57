"""accounts/{id}/reset/, reconcile/ and trading-state/: what touches an account's orders as well."""

from typing import Any, ClassVar

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.permissions import Scope, require_scope
from core.api.serializers import write
from core.api.views import OwnedViewSet
from domain.portfolio import TradingState
from portfolio import selectors
from portfolio.models import Account
from portfolio.services import accounts
from trading.api import forms, outputs
from trading.services import reconcile, resets

STRICTNESS = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}


class AccountActions(OwnedViewSet):
    """What is done with one of the asker's accounts."""

    model = Account
    output = outputs.AccountStateOutput
    bodies: ClassVar = {"trading_state": forms.TradingStateForm}
    answers: ClassVar = {"reconcile": outputs.ReconcileOutput}

    def rows(self) -> Any:
        """Return the asker's accounts that are not put away."""
        return selectors.accounts_of(self.request.user)

    def reset(self, request: Request, pk: str) -> Response:
        """Start a paper account again from its starting cash."""
        account = self.get_row(pk)
        self.values()
        return Response(self.write(resets.reset_account(account)))

    def reconcile(self, request: Request, pk: str) -> Response:
        """Compare the account with its venue now."""
        account = self.get_row(pk)
        self.values()
        found = reconcile.reconcile(account.pk)
        return Response(write(outputs.ReconcileOutput, found, request=request))

    def trading_state(self, request: Request, pk: str) -> Response:
        """Say what the account may do; letting it do more needs the scope admin."""
        account = self.get_row(pk)
        values = self.values()
        if STRICTNESS[values["state"]] < STRICTNESS[TradingState(account.trading_state)]:
            require_scope(request, Scope.ADMIN)
        changed = accounts.set_trading_state(
            account, values["state"], reason=values["reason"], by=str(request.user), at=timezone.now()
        )
        return Response(self.write(changed))
