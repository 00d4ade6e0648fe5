"""That the units of the generated histories tell whose they are."""

from __future__ import annotations

from itertools import combinations

from tests.faults.msp import BY_HAND, NEW_UNITS
from tests.wanted_states import STRANGERS, UNITS


def test_no_sum_of_units_is_that_of_others_or_a_number_of_a_strangers_line() -> None:
    units = [*UNITS.values(), *NEW_UNITS.values()]
    sums = [sum(some) for size in range(1, len(units) + 1) for some in combinations(units, size)]
    assert len(set(sums)) == len(sums)
    assert not {*STRANGERS, *BY_HAND.values()} & ({0, *sums} | {one + 1 for one in sums})
