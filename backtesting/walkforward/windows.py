"""Windows of a walk-forward: where parameters are chosen, and where they are then tried on bars not seen. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import FieldError, ValidationFailed

MAX_WINDOWS = 200
MIN_TRAIN, MIN_TEST = 20, 5


class Mode(StrEnum):
    """Whether the training moves along with a fixed length, or always begins at the first bar."""

    ROLLING = "rolling"
    ANCHORED = "anchored"


@dataclass(frozen=True, slots=True)
class Span:
    """Rows start..stop-1 of the bars."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Window:
    """One step: parameters are chosen on ``train`` and tried on ``test``, which lies behind it."""

    index: int
    train: Span
    test: Span


def windows(
    n_bars: int,
    *,
    mode: Mode,
    train: int,
    test: int,
    step: int | None = None,
    purge: int = 0,
    embargo: int = 0,
) -> tuple[Window, ...]:
    """Return the windows over ``n_bars`` bars, oldest first.

    Parameters
    ----------
    train : bars of a rolling window's training, and of an anchored one's first
    test : bars of each test; the last one may be shorter (at least 5 bars)
    step : bars from one test to the next, at least ``test`` so that no bar is tried twice; None: ``test``
    purge, embargo : bars between training and test that belong to neither: the former so that no position of the
        training reaches into the test, the latter so that what still echoes does not either. All training lies before
        its test, so the gap is their sum; in cross-validation (cpcv) they differ

    Raises
    ------
    ValidationFailed
        With every field that is out of bounds, or when not one window fits, or more than 200 do.
    """
    step = test if step is None else step
    _check(
        {"train": (train, MIN_TRAIN), "test": (test, MIN_TEST), "purge": (purge, 0), "embargo": (embargo, 0)}, n_bars
    )
    if step < test:
        raise ValidationFailed(f"A step of {step} is below the test's {test}: bars would be tried twice.", field="step")
    first = train + purge + embargo
    if first + MIN_TEST > n_bars:
        message = f"{n_bars} bars do not hold one window: it needs {first} bars before the test and {MIN_TEST} in it."
        raise ValidationFailed(message, field="train")
    starts = range(first, n_bars - MIN_TEST + 1, step)
    if len(starts) > MAX_WINDOWS:
        raise ValidationFailed(
            f"{len(starts)} windows are more than {MAX_WINDOWS}: make the test longer.", field="test"
        )
    return tuple(
        Window(
            index,
            Span(0 if mode is Mode.ANCHORED else start - first, start - purge - embargo),
            Span(start, min(start + test, n_bars)),
        )
        for index, start in enumerate(starts)
    )


def windows_by_count(
    n_bars: int, *, mode: Mode, n_windows: int, train_share: float = 0.7, purge: int = 0, embargo: int = 0
) -> tuple[Window, ...]:
    """Return ``n_windows`` windows that use all bars; training is ``train_share`` of a rolling window.

    The test's length follows: ``train = test * share / (1 - share)`` and ``train + gap + n * test = n_bars``. Raises
    ValidationFailed as `windows` does.
    """
    if not 1 <= n_windows <= MAX_WINDOWS:
        raise ValidationFailed(f"{n_windows} windows: give 1 to {MAX_WINDOWS}.", field="windows")
    if not 0.1 <= train_share <= 0.95:
        raise ValidationFailed(f"A share of {train_share} is not between 0.1 and 0.95.", field="train_share")
    test = int((n_bars - purge - embargo) / (n_windows + train_share / (1 - train_share)))
    if test < MIN_TEST:
        message = f"{n_bars} bars in {n_windows} windows leave {max(0, test)} a test: at least {MIN_TEST} are needed."
        raise ValidationFailed(message, field="windows")
    train = n_bars - purge - embargo - n_windows * test
    return windows(n_bars, mode=mode, train=train, test=test, purge=purge, embargo=embargo)


def _check(told: Mapping[str, tuple[int, int]], n_bars: int) -> None:
    faults = [
        FieldError(name, "out_of_range", f"{value} is not between {low} and the {n_bars} bars there are.")
        for name, (value, low) in told.items()
        if not low <= value <= n_bars
    ]
    if faults:
        raise ValidationFailed.of(tuple(faults))
