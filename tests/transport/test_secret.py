"""A secret is shown nowhere."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass

import pytest

from reconciler.transport.secret import Secret

TEXT = "made-up-key-0123"


@dataclass(frozen=True)
class Holder:
    key: Secret


@pytest.mark.parametrize(
    "shown",
    [
        str(Secret(TEXT)),
        repr(Secret(TEXT)),
        f"{Secret(TEXT)}",
        f"{Secret(TEXT)!r:>40}",
        format(Secret(TEXT), ">20"),
        "%s" % Secret(TEXT),  # noqa: UP031 - one of the ways in which texts are made
        repr(Holder(Secret(TEXT))),
        repr([Secret(TEXT)]),
        repr(vars(Holder(Secret(TEXT)))),
    ],
)
def test_no_text_form_shows_it(shown: str) -> None:
    assert TEXT not in shown
    assert "***" in shown


def test_it_is_given_out_only_on_purpose() -> None:
    assert Secret(TEXT).reveal() == TEXT


def test_it_cannot_be_pickled() -> None:
    with pytest.raises(TypeError, match="not written"):
        pickle.dumps(Holder(Secret(TEXT)))


def test_it_can_be_copied_compared_and_hashed() -> None:
    secret = Secret(TEXT)
    assert copy.deepcopy(Holder(secret)) == Holder(Secret(TEXT))
    assert secret != Secret("other")
    assert secret != TEXT
    assert {secret, Secret(TEXT)} == {secret}
    assert bool(secret) is True
    assert bool(Secret("")) is False
