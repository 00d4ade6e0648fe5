"""A history: steps that people and servers take, each followed by a run, and what the oracle says of it."""

from __future__ import annotations

import copy
import gc
import json
import random
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from tests.histories.direct import DiedError, aside
from tests.histories.oracle import Oracle, Verdict, WrongError
from tests.histories.steps import OF_PEOPLE, STEPS
from tests.histories.worlds import first_ledger, make_msp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from tests.histories.site import Document, Msp
    from tests.support import Said

#: How a run may go. `late` is a saved plan with a person's step between it and its apply.
RUNS = ("folder", "unattended", "saved", "late", "overlapped", "killed", "short list", "saved short list")
#: Runs of which something goes wrong on purpose: their own exit code says nothing.
TROUBLED = ("overlapped", "killed", "short list", "saved short list", "late")


#: Lists that may come short; of a bundle, the lines of one agreement.
SHORT = ("/finance/agreements", "/system/bundles", "/procurement/catalog")


class Turn(NamedTuple):
    """One step and the run after it, each by its kind; its number seeds what is drawn for both.

    `meanwhile` is the person's step between a plan and its apply, where the run is `late`.
    """

    number: int
    step: str
    run: str
    meanwhile: str = "nothing"


@dataclass(frozen=True)
class History:
    """A world by its seed, without some of its tenants, and what happens on it."""

    seed: str
    turns: tuple[Turn, ...]
    without: frozenset[str] = frozenset()


@dataclass
class Played:
    """What came of a history: its story, and the promise that was not kept."""

    history: History
    story: list[str] = field(default_factory=list)
    wrong: WrongError | None = None

    def told(self) -> str:
        """For a person who reads a failed test."""
        lines = [f"seed {self.history.seed}", *(f"  {line}" for line in self.story)]
        return "\n".join([*lines, f"  WRONG: {self.wrong}", f"  {self.history!r}"])


def draw(seed: str) -> History:
    """A history of three to six steps out of all kinds; short ones and plain runs are more frequent."""
    chance = random.Random(f"history {seed}")
    count = chance.choice((3, 3, 3, 4, 4, 5, 6))
    steps, plain = tuple(STEPS), ("folder", "unattended")
    people = [kind for kind in steps if kind in OF_PEOPLE]
    turns = tuple(
        Turn(
            number,
            chance.choice(steps),
            chance.choice((*RUNS, *plain * 2, "folder")),
            chance.choice(people),
        )
        for number in range(count)
    )
    return History(seed, turns)


def play(history: History, folder: Path) -> Played:
    """Play a history to its end, or to the first promise that is not kept."""
    played = Played(history)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    site = make_msp(history.seed, folder, without=history.without)
    oracle = Oracle(first_ledger(site), [copy.deepcopy(site.document)])
    player = Player(site, oracle, played.story)
    try:
        with _quickly():
            for turn, following in zip_longest(history.turns, history.turns[1:]):
                player.take(turn, following)
    except WrongError as wrong:
        played.wrong = wrong
    return played


@contextmanager
def _quickly() -> Iterator[None]:
    """Nobody pulls the plug of this machine; and cycles are looked for as seldom as the program does it."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 100, 100)
    try:
        with mock.patch("os.fsync"):
            yield
    finally:
        gc.set_threshold(*before)


def shrink(played: Played, folder: Path) -> Played:
    """A shorter history that breaks the same promise: steps and tenants are left out one by one."""
    assert played.wrong is not None
    best, smaller = played, True
    while smaller:
        smaller = False
        for other in _smaller(best.history):
            tried = play(other, folder)
            if tried.wrong is not None and tried.wrong.kind == played.wrong.kind:
                best, smaller = tried, True
                break
    return best


def _smaller(history: History) -> list[History]:
    turns = history.turns
    found = [replace(history, turns=turns[:at] + turns[at + 1 :]) for at in range(len(turns))]
    for at, turn in enumerate(turns):
        if turn.run != "folder":
            calm = turn._replace(run="folder")
            found.append(replace(history, turns=(*turns[:at], calm, *turns[at + 1 :])))
        if turn.step != "nothing":
            still = turn._replace(step="nothing")
            found.append(replace(history, turns=(*turns[:at], still, *turns[at + 1 :])))
    names = ("Alder", "Birch", "Cedar", "Dogwood")
    tenants = [f"{name}{branch}" for name in names for branch in ("", " North", " South")]
    found += [
        replace(history, without=history.without | {tenant})
        for tenant in tenants
        if tenant not in history.without
    ]
    return found


@dataclass
class Player:
    """Plays one turn after the other on a site."""

    site: Msp
    oracle: Oracle
    story: list[str]

    def take(self, turn: Turn, following: Turn | None) -> None:
        """A step, a run, and the judgement of both.

        What the program says is asked for at the end, where a run that said nothing leaves other lines than
        the rows want, where the next step answers it, and now and then: it costs as much as the run.
        """
        chance = random.Random(f"{turn}")
        oracle, site = self.oracle, self.site
        oracle.step = turn.number
        what = STEPS[turn.step](site, oracle, chance)
        self.story.append(f"{turn.number}. {what or f'({turn.step}: not here)'}")
        site.write()
        if oracle.documents[-1] != site.document:
            oracle.documents.append(copy.deepcopy(site.document))
        site.direct.healthy()
        before = site.lines()
        said, before = self._run(turn, chance, before)
        code = None if said is None else said.code
        self.story.append(f"   run: {turn.run}, exit {code}")
        oracle.judge(site, before, trouble=turn.run in TROUBLED)
        site.direct.healthy()
        is_last, answers = following is None, following is not None and following.step == "approvals"
        silent = code in (0, None)
        if is_last or answers or chance.random() < 0.1 or (silent and oracle.is_doubtful(site)):
            self._ask(chance, 1 if code is None else code, trouble=turn.run in TROUBLED)

    def _ask(self, chance: random.Random, code: int, *, trouble: bool) -> None:
        """The next plan and, where that is clean or now and then, `ready`; what the oracle says of both."""
        planned = self.site.ask_plan()
        plan = json.loads(planned.out) if planned.out else None
        clean = planned.code == 0 and plan is not None and not plan["changes"]
        ready = self.site.ask_ready().code if clean or chance.random() < 0.2 else None
        self.story.append(f"   plan exit {planned.code}{_shown(plan)}, ready exit {ready}")
        verdict = Verdict(code, planned.code, plan, ready, trouble=trouble)
        self.oracle.heard(verdict)
        self.oracle.judge_words(self.site, verdict)

    # --- runs

    def _run(
        self, turn: Turn, chance: random.Random, before: dict[int, Any]
    ) -> tuple[Said | None, dict[int, Any]]:
        """The run, and the lines as they were right before it wrote."""
        site, kind = self.site, turn.run
        if kind == "folder":
            return site.run_apply("--yes"), before
        if kind == "unattended":
            return site.run_apply("--unattended"), before
        if kind == "overlapped":
            return self.overlapped(chance.randrange(9, 40), writes=chance.random() < 0.4), before
        if kind == "killed":
            self.killed(chance.randrange(4), late=chance.random() < 0.5)
            return None, before
        if kind == "short list":
            site.direct.spoil = short_list(chance.choice(SHORT), chance.random())
            return site.run_apply("--yes"), before
        saved = site.root / "plan.json"
        saved.unlink(missing_ok=True)
        if kind == "saved short list":
            site.direct.spoil = short_list(chance.choice(SHORT), chance.random())
        site.ask_plan("--out", str(saved))
        site.direct.healthy()
        if kind == "late":
            what = STEPS[turn.meanwhile](site, self.oracle, chance)
            self.story.append(f"   between plan and apply: {what}")
            before = site.lines()
        return (site.run_apply("--yes", source=saved) if saved.exists() else None), before

    def overlapped(self, at: int, *, writes: bool = False) -> Said:
        """A run, with a second one from its beginning to its end before the first one's request `at`.

        From 9 on a run reads what lines rest on; with `writes`, the second one comes before a write of the
        first four.
        """
        direct, written = self.site.direct, 0

        def second(number: int, request: httpx.Request) -> None:
            nonlocal written
            written += _writes(request)
            if (writes and written == 1 + at % 4) or (not writes and number == at):
                direct.before = None
                aside(lambda: self.site.run_apply("--yes"))

        direct.before = second
        return self.site.run_apply("--yes")

    def killed(self, at: int, *, late: bool) -> None:
        """A run that dies at its write `at`: before the server carries it out, or right after it (`late`)."""
        direct, writes, dead = self.site.direct, 0, False

        def die(number: int, request: httpx.Request) -> None:
            nonlocal writes, dead
            writes += _writes(request)
            dead = dead or (writes > at and _writes(request))
            if dead:
                raise DiedError

        direct.before, direct.after = (None, die) if late else (die, None)
        with suppress(DiedError):
            self.site.run_apply("--yes")


def _writes(request: httpx.Request) -> bool:
    path = request.url.path
    return request.method != "GET" and "/apis/3.0/" in path and not path.endswith("/system/bundles")


def short_list(kind: str, at: float) -> Callable[[str, Any], Any]:
    """One list of a run comes without one of its records, once; `at` says which one, from 0 to 1."""
    left = 1

    def spoil(path: str, payload: Any) -> Any:
        nonlocal left
        if not left or not path.endswith(kind):
            return payload
        if kind == "/system/bundles":
            full = [n for n, result in enumerate(payload["results"]) if result["entities"]]
            if not full:
                return payload
            left = 0
            short = {**payload, "results": [dict(result) for result in payload["results"]]}
            chosen = short["results"][full[int(at * len(full))]]
            chosen.update(entities=[], count=0)
            return short
        if not isinstance(payload, list) or not payload:
            return payload
        left = 0
        gone = int(at * len(payload))
        return payload[:gone] + payload[gone + 1 :]

    return spoil


def _shown(plan: Document | None) -> str:
    if plan is None:
        return ""
    errors = [d["code"] for d in plan["diagnostics"] if d["severity"] == "error"]
    return f" ({len(plan['changes'])} changes{', ' if errors else ''}{', '.join(dict.fromkeys(errors))})"
