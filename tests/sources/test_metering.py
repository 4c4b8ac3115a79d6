"""How the connections are used, by a clock that the test moves."""

from contextlib import suppress

import pytest

from pairsift.sources import metering
from pairsift.sources.loads import Load
from pairsift.sources.metering import FetchMeter


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(metering, "time", clock)
    return clock


def test_turns_are_counted_while_somebody_waits(clock: Clock) -> None:
    meter = FetchMeter()
    with meter.visit(Load()) as first:
        first.begin()
        clock.now += 5.0  # nobody waits
        with meter.visit(Load()) as second:
            clock.now += 2.0  # one under way, one waits
            second.begin()
            with meter.visit(Load()) as third:
                clock.now += 1.0  # two under way, one waits
                third.begin()
                clock.now += 4.0
    assert meter.num_turns == 3
    assert meter.turn_seconds == pytest.approx(4.0 + 5.0 + 12.0)
    assert meter.image_squares == pytest.approx(16.0 + 25.0 + 144.0)
    assert meter.at_once == pytest.approx((2.0 * 1 + 1.0 * 2) / 3.0)
    assert meter.most_at_once == 3


def test_the_turns_of_one_image_are_squared_together(clock: Clock) -> None:
    meter, load = FetchMeter(), Load()
    for _ in range(3):
        with meter.visit(load) as visit:
            visit.begin()
            clock.now += 2.0
    with meter.visit(Load()) as visit:
        visit.begin()
        clock.now += 1.0
    assert (meter.num_turns, meter.turn_seconds) == (4, 7.0)
    assert meter.image_squares == pytest.approx(6.0**2 + 1.0**2)


def test_who_is_sent_away_has_no_turn(clock: Clock) -> None:
    meter = FetchMeter()
    with suppress(TimeoutError), meter.visit(Load()):
        clock.now += 2.0
        raise TimeoutError
    assert (meter.num_turns, meter.turn_seconds, meter.full_seconds) == (0, 0.0, 2.0)
    clock.now += 7.0
    with meter.visit(Load()) as visit:
        visit.begin()
    assert meter.full_seconds == 2.0  # nobody waited since


def test_where_nobody_had_to_wait_nothing_is_said(clock: Clock) -> None:
    meter = FetchMeter()
    with meter.visit(Load()) as visit:
        visit.begin()
        clock.now += 1.0
    assert meter.at_once is None
