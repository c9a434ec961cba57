"""The REST API of performance."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from analytics import selectors
from analytics.answers import answer
from analytics.serializers import PerformanceOutput, PerformanceQuery
from core.api.serializers import write
from core.api.views import StrictView


class PerformanceView(StrictView):
    """GET analytics/performance/."""

    answers: ClassVar = {"GET": PerformanceOutput}
    queries: ClassVar = {"GET": PerformanceQuery}

    def get(self, request: Request) -> Response:
        """Return how the asker's accounts, one of them or one strategy did."""
        asked = {name: value for name, value in self.query.items() if name != "max_points"}
        found = selectors.performance(request.user, selectors.asked_for(request.user, **asked))
        return Response(write(PerformanceOutput, answer(found, max_points=self.query["max_points"]), request=request))
