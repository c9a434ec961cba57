"""Every figure of a summary: its title, unit, which way is better, and what it says. Pure: a table for pages."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a figure is measured in."""

    FRACTION = "fraction"
    RATIO = "ratio"
    MONEY = "money"
    COUNT = "count"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """One figure. ``better`` is "high", "low" or "" (neither); "high" means nearer to plus infinity."""

    name: str
    title: str
    unit: Unit
    better: str
    help: str


_F, _R, _M, _C, _D = Unit.FRACTION, Unit.RATIO, Unit.MONEY, Unit.COUNT, Unit.DAYS
METRICS: tuple[MetricInfo, ...] = (
    MetricInfo("total_return", "Total return", _F, "high", "Last equity by the starting equity, less one."),
    MetricInfo("annual_return", "Return a year", _F, "high", "Compounded over the returns of a year."),
    MetricInfo("cagr", "Growth a year", _F, "high", "Compound growth by calendar time, years of 365.25 days."),
    MetricInfo("annual_volatility", "Volatility a year", _F, "low", "Deviation of the returns, times root of a year."),
    MetricInfo("sharpe", "Sharpe ratio", _R, "high", "Mean excess return by its deviation, a year."),
    MetricInfo("sortino", "Sortino ratio", _R, "high", "Like Sharpe, but only falls count as risk."),
    MetricInfo("calmar", "Calmar ratio", _R, "high", "Return a year by the deepest drawdown."),
    MetricInfo("omega", "Omega ratio", _R, "high", "Sum of gains by sum of losses of the returns."),
    MetricInfo("max_drawdown", "Deepest drawdown", _F, "high", "Deepest fall from a peak, every mark counted."),
    MetricInfo("max_drawdown_days", "Longest drawdown", _D, "low", "Longest time from a peak to the return to it."),
    MetricInfo("average_drawdown", "Average drawdown", _F, "high", "Mean depth of all falls."),
    MetricInfo("ulcer_index", "Ulcer index", _F, "low", "Root mean square of the fall from the peak."),
    MetricInfo("var_95", "Value at risk 95 %", _F, "high", "One return in twenty was worse than this."),
    MetricInfo("cvar_95", "Expected shortfall 95 %", _F, "high", "Mean of the worst twentieth of the returns."),
    MetricInfo("tail_ratio", "Tail ratio", _R, "high", "95th percentile by the size of the 5th."),
    MetricInfo("stability", "Stability", _R, "high", "R squared of a line through the cumulated log returns."),
    MetricInfo("skew", "Skewness", _R, "high", "Below 0: rare large losses; above: rare large gains."),
    MetricInfo("kurtosis", "Kurtosis", _R, "low", "3 for a normal distribution; more means fat tails."),
    MetricInfo("alpha", "Alpha a year", _F, "high", "Return that beta times the benchmark does not explain."),
    MetricInfo("beta", "Beta", _R, "", "How far it moves when the benchmark moves by one."),
    MetricInfo("correlation", "Correlation with the benchmark", _R, "", "Of the returns, -1 to 1."),
    MetricInfo("information_ratio", "Information ratio", _R, "high", "Return above the benchmark by its deviation."),
    MetricInfo("benchmark_return", "Benchmark's return", _F, "", "Of buying the benchmark and holding it."),
    MetricInfo("trades", "Closed trades", _C, "", "Round trips that were closed."),
    MetricInfo("wins", "Won", _C, "high", "Trades that ended above 0 after costs."),
    MetricInfo("losses", "Lost", _C, "low", "Trades that ended below 0 after costs."),
    MetricInfo("win_rate", "Win rate", _F, "high", "Share of the trades that were won."),
    MetricInfo("profit_factor", "Profit factor", _R, "high", "Sum of gains by sum of losses, after costs."),
    MetricInfo("expectancy", "Expectancy", _M, "high", "Mean result of a trade."),
    MetricInfo("expectancy_return", "Expectancy per trade", _F, "high", "Mean return on what a trade put in."),
    MetricInfo("average_win", "Average win", _M, "high", "Mean of the gains."),
    MetricInfo("average_loss", "Average loss", _M, "high", "Mean of the losses."),
    MetricInfo("best_trade", "Best trade", _F, "high", "Largest return on what went in."),
    MetricInfo("worst_trade", "Worst trade", _F, "high", "Smallest return on what went in."),
    MetricInfo("payoff", "Payoff", _R, "high", "Average gain by the size of the average loss."),
    MetricInfo("sqn", "System quality", _R, "high", "Mean result by its deviation, times root of the count."),
    MetricInfo("kelly", "Kelly fraction", _F, "high", "Share of capital that Kelly's rule would stake."),
    MetricInfo("average_holding_days", "Average holding time", _D, "", "Mean time in a trade."),
    MetricInfo("longest_losing_streak", "Longest losing streak", _C, "low", "Losses one after the other."),
    MetricInfo("average_mae", "Average adverse excursion", _F, "high", "Mean of the largest fall against a trade."),
    MetricInfo("average_mfe", "Average favourable excursion", _F, "high", "Mean of the largest rise for a trade."),
    MetricInfo("exposure", "Time in the market", _F, "", "Share of the marks at which something was held."),
    MetricInfo("average_exposure", "Average exposure", _F, "", "Mean gross exposure by equity."),
    MetricInfo("turnover", "Turnover a year", _R, "low", "Value bought and sold in a year by the mean equity."),
    MetricInfo("fees_paid", "Fees paid", _M, "low", "Commissions of all fills."),
    MetricInfo("starting_equity", "Starting equity", _M, "", "What there was before the first mark."),
    MetricInfo("final_equity", "Final equity", _M, "high", "Equity at the last mark."),
    MetricInfo("peak_equity", "Peak equity", _M, "high", "Highest equity of all marks."),
    MetricInfo("best_period", "Best period", _F, "high", "Largest return of one period (a day, or a week)."),
    MetricInfo("worst_period", "Worst period", _F, "high", "Smallest return of one period."),
    MetricInfo("winning_periods", "Periods with a gain", _F, "high", "Share of the periods above 0."),
    MetricInfo("days", "Days", _D, "", "Calendar days from first to last mark."),
    MetricInfo("n_returns", "Returns", _C, "", "How many returns the figures are made of."),
    MetricInfo("periods_per_year", "Returns a year", _C, "", "What figures a year are multiplied by."),
)
BY_NAME: dict[str, MetricInfo] = {each.name: each for each in METRICS}
