"""What the page tests stand on: a user in a browser, a strategy, and a position that it opened."""

from dataclasses import dataclass

import pytest
from django.test import Client

from core.testing import page_client
from marketdata import replay_services as replays
from portfolio.models import Position
from strategies.models import Strategy
from trading import pipeline
from trading.services import strategies
from trading.tests.scene import Scene, make_scene

CLOSES = [100.0 + i % 7 for i in range(60)]


@dataclass
class World:
    """A user with a position, orders, a signal and a strategy."""

    scene: Scene
    strategy: Strategy
    client: Client

    def step(self) -> None:
        """Play one bar through the pipeline."""
        replays.play(self.scene.replay())
        pipeline.run_account(self.scene.account.pk)


@pytest.fixture
def world() -> World:
    scene = make_scene(CLOSES)
    strategy = scene.strategy("buy_and_hold", {})
    return World(scene, strategy, page_client(scene.user))


@pytest.fixture
def held(world: World) -> World:
    strategies.start_strategy(world.strategy, by="test")
    for _ in range(3):
        world.step()
    assert Position.objects.filter(is_open=True).count() == 1
    return world
