"""API addresses of this app, below /api/v1/."""

from rest_framework.routers import SimpleRouter

from apikeys.api import TokenViewSet

router = SimpleRouter()
router.register("auth/tokens", TokenViewSet, basename="token")

urlpatterns = router.urls
