"""Facts of signals and strategies."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from domain.facts.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalGenerated(Event):
    """A strategy, or somebody outside, stated what it wants."""

    name: ClassVar[str] = "signal.generated"
    signal_id: uuid.UUID
    strategy_id: uuid.UUID | None
    symbol: str
    side: str
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSettled(Event):
    """A signal came to its one outcome."""

    name: ClassVar[str] = "signal.settled"
    signal_id: uuid.UUID
    strategy_id: uuid.UUID | None
    symbol: str
    side: str
    outcome: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _StrategyFact(Event):
    strategy_id: uuid.UUID
    strategy: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyStarted(_StrategyFact):
    """A strategy trades from now on."""

    name: ClassVar[str] = "strategy.started"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyPaused(_StrategyFact):
    """A strategy makes no new entries; its exits and stops go on."""

    name: ClassVar[str] = "strategy.paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyStopped(_StrategyFact):
    """A strategy ended."""

    name: ClassVar[str] = "strategy.stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyFailed(_StrategyFact):
    """A strategy's code failed; its open positions keep their stops."""

    name: ClassVar[str] = "strategy.failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyConfigured(_StrategyFact):
    """A strategy was made, changed or deleted; ``change`` is created, updated or deleted."""

    name: ClassVar[str] = "strategy.configured"
    change: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestQueued(Event):
    """A backtest, sweep or walk-forward waits for workers; ``n_chunks`` of it can be done side by side."""

    name: ClassVar[str] = "backtest.queued"
    durable: ClassVar[bool] = False
    backtest_id: uuid.UUID
    n_chunks: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestProgressed(Event):
    """How far a backtest is (0..1), about once a second."""

    name: ClassVar[str] = "backtest.progressed"
    durable: ClassVar[bool] = False
    backtest_id: uuid.UUID
    status: str
    progress: float
    remaining_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSettled(Event):
    """A backtest ended; ``status`` is completed, failed or canceled."""

    name: ClassVar[str] = "backtest.settled"
    backtest_id: uuid.UUID
    status: str
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParametersOptimized(Event):
    """An optimisation found parameters of a strategy that were better out of sample; ``evidence`` says how much."""

    name: ClassVar[str] = "parameters.optimized"
    strategy_id: uuid.UUID
    parameters: Mapping[str, Any]
    evidence: Mapping[str, Any]
