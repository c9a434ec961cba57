"""A word on luck, with its reasons: promising, inconclusive or likely luck. Pure.

'Promising' needs every decisive check; tests hold it to at most 5 % of sweeps over pure noise and at least 80 % of
sweeps with a planted edge. It is a statement about chance in the past data, not a promise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from backtesting.robustness.evidence import MIN_RETURNS, Evidence

CERTAIN = 0.99  # no chance is said to be above what a sample can show
DEFLATED_GOOD, DEFLATED_POOR = 0.95, 0.50
SPA_GOOD, SPA_POOR = 0.05, 0.25
OVERFIT_LIMIT, LOSS_LIMIT = 0.50, 0.20
RESAMPLED_LIMIT = 0.025
STRETCH_GOOD = 0.80
MIN_TRADES = 10
MIN_EFFICIENCY = 0.50
MIN_STABILITY = 0.30


class Word(StrEnum):
    """The verdict."""

    PROMISING = "promising"
    INCONCLUSIVE = "inconclusive"
    LIKELY_LUCK = "likely_luck"


TITLES: dict[Word, str] = {
    Word.PROMISING: "Promising",
    Word.INCONCLUSIVE: "Inconclusive",
    Word.LIKELY_LUCK: "Likely luck",
}


class Answer(StrEnum):
    """What one check says. Only decisive checks can be damning."""

    GOOD = "good"
    OPEN = "open"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Reason:
    """One check: what was measured, the bound it is held to, and a sentence."""

    check: str
    answer: Answer
    value: float | None
    bound: float
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, its title, one sentence, and every check's reason."""

    word: Word
    title: str
    sentence: str
    reasons: tuple[Reason, ...]


def verdict(evidence: Evidence) -> Verdict:
    """Return the verdict on a sweep or a run.

    Likely luck: a decisive check is damning (the best is no better than the best of as many without skill would be).
    Promising: every check that applies is good. Else inconclusive.
    """
    reasons = tuple(found for check in CHECKS if (found := check(evidence)) is not None)
    answers = {reason.answer for reason in reasons}
    if Answer.BAD in answers:
        word = Word.LIKELY_LUCK
    elif answers == {Answer.GOOD}:
        word = Word.PROMISING
    else:
        word = Word.INCONCLUSIVE
    return Verdict(word, TITLES[word], _sentence(word, reasons), reasons)


def _sentence(word: Word, reasons: tuple[Reason, ...]) -> str:
    if word is Word.PROMISING:
        return "The result is better than luck and the number of trials explain. Check it on new data before money."
    wanted = Answer.BAD if word is Word.LIKELY_LUCK else Answer.OPEN
    first = next(reason.text for reason in reasons if reason.answer is wanted)
    return first if word is Word.LIKELY_LUCK else f"Not enough to tell skill from luck. {first}"


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def chance_words(value: float) -> str:
    """Write a probability in whole per cent; what only rounds to certainty or to nothing is not said to be so."""
    if value > CERTAIN:
        return f"above {CERTAIN * 100:.0f} %"
    return f"below {(1 - CERTAIN) * 100:.0f} %" if value < 1 - CERTAIN else f"{value * 100:.0f} %"


def _deflated(evidence: Evidence) -> Reason:
    value, sharpe, expected = evidence.deflated_sharpe, evidence.sharpe, evidence.expected_maximum_sharpe
    trials = f"{evidence.n_trials:,} trial{'s' * (evidence.n_trials != 1)}"
    if value is None or sharpe is None or expected is None:
        text = "There are too few returns, or they never vary: the Sharpe ratio cannot be judged."
        return Reason("deflated_sharpe", Answer.OPEN, None, DEFLATED_GOOD, text)
    beyond = " beyond what the market gave" if evidence.is_against_market else ""
    text = (
        f"A Sharpe ratio of {_signed(sharpe)}{beyond} after {trials}, where luck alone would show {_signed(expected)}: "
        f"the chance that it is more than luck is {chance_words(value)}."
    )
    return Reason("deflated_sharpe", _graded(value, DEFLATED_GOOD, DEFLATED_POOR), value, DEFLATED_GOOD, text)


def _snooping(evidence: Evidence) -> Reason | None:
    value = evidence.spa
    if value is None:
        return None
    text = (
        f"If none of the {evidence.n_variants_tested:,} variants were any good, a best one like this would still "
        f"appear with probability {value * 100:.1f} % (Hansen's SPA test)."
    )
    return Reason("spa", _graded(-value, -SPA_GOOD, -SPA_POOR), value, SPA_GOOD, text)


def _overfitting(evidence: Evidence) -> Reason | None:
    """Ask whether choosing in one half pays in the other; equal variants lose their rank without losing money."""
    value, loss = evidence.overfitting, evidence.overfitting_loss
    if value is None or loss is None:
        return None
    text = (
        "The best variant of one half of the time lands in the lower half in the other with probability "
        f"{value * 100:.0f} %, and loses there with probability {loss * 100:.0f} %."
    )
    if value > OVERFIT_LIMIT and loss > OVERFIT_LIMIT:
        answer = Answer.BAD
    else:
        answer = Answer.GOOD if loss <= LOSS_LIMIT else Answer.OPEN
    return Reason("overfitting", answer, value, OVERFIT_LIMIT, text)


def _length(evidence: Evidence) -> Reason:
    needed = max(MIN_RETURNS, evidence.minimum_track_record or 0.0)
    is_enough = evidence.minimum_track_record is not None and evidence.n_returns >= needed
    text = f"{evidence.n_returns:,} returns, {'and' if is_enough else 'but'} at least {needed:,.0f} are needed."
    if evidence.minimum_track_record is None:
        text = f"{evidence.n_returns:,} returns without a gain for the risk: no length of record would prove it."
    answer = Answer.GOOD if is_enough else Answer.OPEN
    return Reason("track_record", answer, float(evidence.n_returns), needed, text)


def _resampled(evidence: Evidence) -> Reason | None:
    """Ask the same without a formula: few days with a position, fat tails and memory widen what can be drawn."""
    if evidence.sharpe_interval is None:
        return None
    value = evidence.sharpe_interval.share_below_zero
    text = (
        f"Of histories drawn anew from blocks of these returns {value * 100:.1f} % lose; "
        f"at most {RESAMPLED_LIMIT * 100:.1f} % may."
    )
    answer = Answer.GOOD if value <= RESAMPLED_LIMIT else Answer.OPEN
    return Reason("resampled", answer, value, RESAMPLED_LIMIT, text)


def _one_stretch(evidence: Evidence) -> Reason | None:
    value = evidence.without_best_tenth
    if value is None:
        return None
    text = f"Without its best tenth of the time the chance that the rest is more than luck is {chance_words(value)}."
    answer = Answer.GOOD if value >= STRETCH_GOOD else Answer.OPEN
    return Reason("one_stretch", answer, value, STRETCH_GOOD, text)


def _trades(evidence: Evidence) -> Reason | None:
    if evidence.n_trades is None:
        return None
    is_enough = evidence.n_trades >= MIN_TRADES
    text = f"{evidence.n_trades:,} closed trades, {'and' if is_enough else 'but'} at least {MIN_TRADES} are needed."
    answer = Answer.GOOD if is_enough else Answer.OPEN
    return Reason("trades", answer, float(evidence.n_trades), float(MIN_TRADES), text)


def _efficiency(evidence: Evidence) -> Reason | None:
    value = evidence.out_of_sample_efficiency
    if value is None:
        return None
    text = f"Out of sample the strategy earned {value * 100:.0f} % of what it did in sample."
    answer = Answer.GOOD if value >= MIN_EFFICIENCY else Answer.OPEN
    return Reason("out_of_sample", answer, value, MIN_EFFICIENCY, text)


def _plateau(evidence: Evidence) -> Reason | None:
    value = evidence.stability
    if value is None:
        return None
    text = f"The neighbours of the best parameters keep {value * 100:.0f} % of their score."
    answer = Answer.GOOD if value >= MIN_STABILITY else Answer.OPEN
    return Reason("plateau", answer, value, MIN_STABILITY, text)


CHECKS: tuple[Callable[[Evidence], Reason | None], ...] = (
    *(_deflated, _snooping, _overfitting, _length, _resampled, _one_stretch, _trades, _efficiency, _plateau),
)


def _graded(value: float, good: float, poor: float) -> Answer:
    """Grade a value that is better the higher it is."""
    if value >= good:
        return Answer.GOOD
    return Answer.BAD if value < poor else Answer.OPEN
