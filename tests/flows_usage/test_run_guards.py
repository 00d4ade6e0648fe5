"""The guards of a whole run: what stops at which limit, when a plan is made and again when it is applied."""

from __future__ import annotations

import json
import re
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from reconciler.model.plan_text import sealed
from tests.flows_usage.books import NOVEMBER, TODAY, Books, results, update, updates

if TYPE_CHECKING:
    from collections.abc import Callable

RUN_CHANGE, MOST, TOTAL = "guard-run-change", "guard-most-changes", "guard-total"


def only(name: str, limits: str) -> str:
    """Settings in which this guard of a run is the only one besides the defaults of single lines."""
    others = {"runChange", "mostChanges", "total", "productToZero"} - {name}
    off = ", ".join(f"{other}: off" for other in sorted(others))
    return f", guards: {{{off}{', ' if limits else ''}{limits}}}"


def customers(
    books: Books,
    count: int,
    *,
    ep: tuple[float | None, float, float],
    sv: tuple[float | None, float, float] | None = None,
) -> Books:
    """So many more customers, each with these lines."""
    for _ in range(count):
        lines = {"ep": ep} if sv is None else {"ep": ep, "sv": sv}
        books.customer(f"Alder {len(books.rows):03}", more="", **lines)
    return books


def stopped_by(books: Books) -> list[str]:
    """The run guards that stop the plan; where there are some, nothing is written by apply either."""
    plan = books.plan()
    found = [code for code in plan.codes if code.startswith("guard-")]
    assert (plan.code == 3) is bool(found), plan.codes
    if found:
        books.forget()
        assert (books.apply().code, books.writes) == (3, [])
    return found


# --- more than so much of everything


@pytest.mark.parametrize(
    ("moving", "lines", "stops"), [(2, 30, 0), (3, 30, 0), (4, 30, 1), (19, 19, 0), (20, 20, 1)]
)
def test_more_than_a_tenth_of_the_lines_at_once(books: Books, moving: int, lines: int, stops: int) -> None:
    customers(books, moving, ep=(100, 100, 101))
    customers(books, lines - moving, ep=(100, 100, 100)).live(settings=only("runChange", ""))
    assert stopped_by(books) == [RUN_CHANGE] * stops
    if stops and lines == 30:
        said = books.plan().diagnostic(RUN_CHANGE)
        assert "4 of 30 lines, 13.33 % (limit 10 %)" in said["message"]
        assert "settings.guards.runChange to {lines: 14, money: 5}" in said["remedy"]
        books.live(settings=only("runChange", "runChange: {lines: 14, money: 5}"))
        assert (books.apply().code, books.quantity(1)) == (0, 101)


def test_a_guard_shows_what_would_be_written_and_one_number_of_it(books: Books) -> None:
    """Nobody can say that a limit may be wider without having seen which lines it is about."""
    customers(books, 6, ep=(100, 100, 101))
    customers(books, 1, ep=(100, 100, 97))
    customers(books, 1, ep=(100, 100, 130))
    customers(books, 22, ep=(100, 100, 100))
    row = "{customer: ALDER007, product: MSP-EP, from: 100, upTo: 130, given: 2026-11-27, reason: r"
    books.live(f"approvals: [{row}, until: 2026-12-01}}]\n", settings=only("runChange", ""))
    said = books.run("plan", str(books.folder))
    message = books.plan().diagnostic(RUN_CHANGE)["message"]
    assert message.startswith(
        "This plan would write 7 of 30 lines, 23.33 % (limit 10 %); 1 more line that somebody has answered "
        "does not count. Nothing is written. It would write: "
        "Alder 006 · Managed, MSP-EP #7: 100 → 97, -12.00 EUR; "
        "Alder 000 · Managed, MSP-EP #1: 100 → 101, +4.00 EUR; "
    )
    assert message.endswith("; and 2 more, which stand in --format xlsx, csv and json.")
    assert said.err.splitlines()[-1] == (
        "Exit code 3: guard-run-change stops the whole run. Nothing can be written."
    )


def test_every_command_shows_all_that_a_guard_stopped(books: Books) -> None:
    """Seven rows, and the reader sees the sixth and the seventh as well, with what they come to."""
    customers(books, 7, ep=(100, 100, 101))
    customers(books, 23, ep=(100, 100, 100)).live(settings=only("runChange", ""))
    plan, folder = str(books.save()), str(books.folder)
    title = f"What this plan would write ({RUN_CHANGE}: the whole run is stopped, nothing of it is written)"
    for command in (("plan", folder), ("show", plan), ("apply", folder, "--yes"), ("apply", plan, "--yes")):
        said = books.run(*command).out
        assert said.count(title) == 1, command
        rows = [line for line in said.partition(title)[2].splitlines() if line.startswith("Alder 00")]
        assert [line[:9] for line in rows] == [f"Alder {n:03}" for n in range(7)], command
        assert all("100 → 101" in line and "+4.00 EUR" in line for line in rows)
        assert "Please decide" not in said
        assert ("Together", "7", "2,800.00", "2,828.00", "+28.00", "EUR") in {
            tuple(line.split()) for line in said.splitlines()
        }
    markdown = books.run("plan", folder, "--format", "markdown").out
    assert f"### {title}" in markdown
    assert sum(line.startswith("| Alder 00") for line in markdown.splitlines()) == 7
    assert books.quantity(1) == 100


def test_what_a_person_has_to_say_stands_apart_from_what_a_guard_stopped(books: Books) -> None:
    customers(books, 7, ep=(100, 100, 101))
    customers(books, 23, ep=(100, 100, 100))
    agreement = books.customer("Birch", sv=(3, 3, 3))
    books.line(agreement, "MSP-EP", 27, by="jane")
    for month, units in (((2026, 10), 22), ((2026, 11), 25)):
        books.world.add_usage_line(month, "Birch", "EP-MSP", units)
    said = books.live(settings=only("runChange", "")).run("plan", str(books.folder)).out
    asked = said.partition("Please decide")[2].partition("What this plan would write")[0]
    assert "1. Birch · Managed" in asked
    assert "held back by" not in asked


@pytest.mark.parametrize(("others", "stops"), [(41, 0), (40, 0), (39, 1)])
def test_more_than_a_twentieth_of_the_money_at_once(books: Books, others: int, stops: int) -> None:
    customers(books, 1, ep=(100, 100, 125))
    customers(books, others, ep=(10, 10, 10)).live(settings=only("runChange", ""))
    assert stopped_by(books) == [RUN_CHANGE] * stops
    if stops:
        assert (
            "changes of 100.00 EUR in 1,960.00 EUR a month, 5.1 % (limit 5 %)"
            in (books.plan().diagnostic(RUN_CHANGE)["message"])
        )


def test_changes_up_and_down_do_not_make_up_for_each_other(books: Books) -> None:
    customers(books, 1, ep=(100, 100, 120))
    customers(books, 1, ep=(100, 100, 80))
    customers(books, 28, ep=(10, 10, 10)).live(settings=only("runChange", ""))
    assert stopped_by(books) == [RUN_CHANGE]


def test_what_somebody_has_answered_does_not_count(books: Books) -> None:
    customers(books, 3, ep=(20, 20, 40))
    customers(books, 17, ep=(20, 20, 20))
    rows = [
        f"  - {{customer: ALDER{n:03}, product: MSP-EP, from: 20, upTo: 40, given: 2026-11-27, "
        f"reason: r, until: 2026-12-01}}\n"
        for n in range(3)
    ]
    books.live("approvals:\n" + "".join(rows), settings=only("runChange", ""))
    assert (stopped_by(books), len(updates(books.plan()))) == ([], 3)
    assert books.apply(books.save()).code == 0


def test_lines_in_shadow_and_a_plan_of_products_alone_are_stopped_by_nothing(books: Books) -> None:
    customers(books, 20, ep=(10, 10, 11)).shadow()
    assert stopped_by(books) == []
    assert books.live().plan("--scope", "products").code == 0


def test_what_waits_anyway_does_not_count_for_a_commit(books: Books) -> None:
    """A pull request that changes one product is not stopped by a month's usage that it does not write."""
    customers(books, 20, ep=(10, 10, 11)).live(settings=only("runChange", ""))
    base = books.folder.with_name("base")
    base.mkdir()
    (base / "mappings.yaml").write_text((books.folder / "mappings.yaml").read_text())
    assert books.plan().code == 3
    assert books.plan("--since", str(base)).code == 0


def test_a_single_customer_may_be_looked_at_and_applied(books: Books) -> None:
    customers(books, 20, ep=(10, 10, 11)).live()
    assert books.plan().code == 3
    file = books.save("--customer", "ALDER003")
    assert results(books.apply(file)) == {update(4, "MSP-EP"): "applied"}


# --- more than so many of one action


@pytest.mark.parametrize(("new", "limits", "stops"), [
    (2, "{count: 2}", 0), (3, "{count: 2}", 1),
    (2, "{percent: 10}", 0), (3, "{percent: 10}", 1), (3, "{percent: 10, floor: 21}", 0), (3, "off", 0),
])  # fmt: skip
def test_the_most_new_lines(books: Books, new: int, limits: str, stops: int) -> None:
    customers(books, new, ep=(None, 10, 10))
    customers(books, 20 - new, ep=(10, 10, 10))
    books.live(settings=only("mostChanges", f"mostChanges: {{create_line: {limits}}}"))
    assert stopped_by(books) == [MOST] * stops
    if stops:
        said = books.plan().diagnostic(MOST)
        assert "create_line for 3 of 20 lines, 15 %. settings.guards.mostChanges lets " in said["message"]
        assert re.search(r"have it for \d+ at most, and from 20 lines on for \d+ % of", said["message"])
        assert "{create_line: {count: " in said["remedy"]


def test_new_lines_that_are_approved_do_not_count(books: Books) -> None:
    customers(books, 3, ep=(None, 10, 10))
    row = (
        "{customer: ALDER000, product: MSP-EP, from: 0, upTo: 10, given: 2026-11-27, "
        "reason: r, until: 2026-12-01}"
    )
    limit = only("mostChanges", "mostChanges: {create_line: {count: 2}}")
    assert stopped_by(books.live(settings=limit)) == [MOST]
    assert stopped_by(books.live(f"approvals: [{row}]\n", settings=limit)) == []


def test_only_the_commits_own_changes_are_held_back(books: Books) -> None:
    customers(books, 1, ep=(10, 10, 11))
    limit = only("mostChanges", "mostChanges: {create_line: {count: 1}}")
    base = books.live(settings=limit).folder.with_name("base")
    base.mkdir()
    (base / "mappings.yaml").write_text((books.folder / "mappings.yaml").read_text())
    customers(books, 2, ep=(None, 10, 10)).live(settings=limit)
    plan = books.plan("--since", str(base))
    held = {change["cause"]: change["blockedBy"] for change in plan.changes}
    assert (plan.code, held) == (3, {"waiting": [], "this change": [MOST]})


@pytest.mark.parametrize(("gone", "stops"), [(5, 0), (6, 1)])
def test_the_most_unmapped_products(books: Books, gone: int, stops: int) -> None:
    books.mapped = {f"CODE-{n:02}": f"{{product: P-{n:02}, sync: true}}" for n in range(20)}
    books.world.tables["catalog"] = {} if isinstance(books.world.tables["catalog"], dict) else []
    for n in range(20):
        books.world.add_catalog_item(f"P-{n:02}", notes=f"[sophos:main CODE-{n:02}]")
    for n in range(gone):
        del books.mapped[f"CODE-{n:02}"]
    assert stopped_by(books.live()) == [MOST] * stops


# --- the total


@pytest.mark.parametrize(
    ("line", "stops"),
    [
        ((20, 20, 25), 0),
        ((20, 20, 15), 1),
        ((10, 10, 8), 0),
        ((10, 10, 7), 1),
        ((3, 3, 4), 1),
        ((8, 8, 10), 0),
    ],
)
def test_the_largest_rise_and_drop_of_the_total(books: Books, line: tuple[int, int, int], stops: int) -> None:
    customers(books, 20, ep=line).live(settings=only("total", ""))
    assert stopped_by(books) == [TOTAL] * stops
    if stops:
        remedy = books.plan().diagnostic(TOTAL)["remedy"]
        printed = re.search(r"set settings\.guards\.total to (\{.*\}) in a reviewed", remedy)
        assert printed is not None, remedy
        books.live(settings=only("total", f"total: {printed[1]}"))
        assert stopped_by(books) == []


def test_below_the_floor_only_money_limits_the_total(books: Books) -> None:
    customers(books, 2, ep=(10, 10, 7)).live(settings=only("total", ""))
    assert stopped_by(books) == []
    books.live(settings=only("total", "total: {money: {EUR: 24}}"))
    assert stopped_by(books) == []
    books.live(settings=only("total", "total: {money: {EUR: 23.99}}"))
    assert stopped_by(books) == [TOTAL]
    said = books.plan().diagnostic(TOTAL)
    assert "a drop of 24.00 EUR (limit 23.99)" in said["message"]
    assert "Alder 000 · Managed, MSP-EP #1: 10 → 7, -12.00 EUR" in said["message"]
    printed = re.search(r"set settings\.guards\.total to (\{.*\}) in a reviewed", said["remedy"])
    assert printed is not None, said["remedy"]
    books.live(settings=only("total", f"total: {printed[1]}"))
    assert stopped_by(books) == []
    books.live(settings=only("total", "total: {money: {GBP: 1}}"))
    assert stopped_by(books) == []


# --- properties


_SEATS = st.lists(st.integers(1, 40), min_size=20, max_size=26)
#: Shrinking would take minutes, and a list of numbers explains itself.
_QUICK = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


@_QUICK
@given(_SEATS)
@example([40] * 19 + [1])
@example([40] * 20)
def test_a_month_in_which_every_customer_drops_by_half_is_never_written(seats: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        books = Books(Path(folder))
        for number in seats:
            customers(books, 1, ep=(2 * number, 2 * number, number))
        books.live()
        waits = 3 if min(seats) <= 5 else 4  # where every single line is withheld, nothing is left to stop
        assert (books.plan().code, books.apply().code, books.writes) == (waits, waits, [])


@_QUICK
@given(_SEATS, st.integers(0, 30))
def test_with_all_guards_off_nothing_is_stopped(seats: list[int], after: int) -> None:
    names = ("lineChange", "lineToZero", "feedTenants", "productToZero", "runChange", "mostChanges", "total")
    off = ", ".join(f"{name}: off" for name in names)
    with tempfile.TemporaryDirectory() as folder:
        books = Books(Path(folder))
        for number in seats:
            customers(books, 1, ep=(number, number, after), sv=(1, 1, 1))
        books.live(settings=f", guards: {{{off}, planAge: off}}")
        assert (books.plan().codes, len(updates(books.plan()))) == ([], sum(n != after for n in seats))


# --- again at apply


def _signed(path: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    """The saved plan, edited by hand and given the hash that it has to have."""
    data = json.loads(path.read_text())
    edit(data)
    path.write_text("".join(sealed(data)), encoding="utf-8")
    return path


def _let_through(data: dict[str, Any]) -> None:
    data["diagnostics"] = []
    for change in data["changes"]:
        change["blockedBy"] = []


def _refused(books: Books, file: Path, code: str) -> None:
    books.forget()
    applied = books.apply(file)
    told = [one["code"] for one in applied.json["diagnostics"]]
    assert (applied.code, books.writes, code in told) == (3, [], True), told


@pytest.mark.parametrize("which", [RUN_CHANGE, TOTAL, MOST, "guard-product-to-zero"])
def test_a_file_whose_stop_was_taken_out_is_stopped_again(books: Books, which: str) -> None:
    if which == RUN_CHANGE:
        customers(books, 20, ep=(10, 10, 11)).live(settings=only("runChange", ""))
    elif which == TOTAL:
        customers(books, 20, ep=(10, 10, 7)).live(settings=only("total", ""))
    elif which == MOST:
        customers(books, 2, ep=(None, 1, 1)).live(
            settings=only("mostChanges", "mostChanges: {create_line: {count: 1}}")
        )
    else:
        customers(books, 4, ep=(10, 10, 0), sv=(3, 3, 3)).live(
            settings=only("productToZero", "lineToZero: off")
        )
    file = books.save()
    assert which in [one["code"] for one in json.loads(file.read_text())["diagnostics"]]
    _refused(books, _signed(file, _let_through), which)


def test_what_an_incomplete_feed_stopped_is_not_let_through_one_by_one(books: Books) -> None:
    customers(books, 20, ep=(10, 10, 11)).live(settings=only("feedTenants", ""))
    gone = {books.world.tenant(f"Alder {number:03}")["id"] for number in range(2)}
    books.world.usage[NOVEMBER] = [one for one in books.world.usage[NOVEMBER] if one["accountId"] not in gone]
    file = _signed(books.save(), lambda data: data["changes"][0].update(blockedBy=[]))
    _refused(books, file, "guard-bypassed")


def _saved(books: Books, extra: str = "") -> Path:
    books.customer("Alder", ep=(20, 20, 22))
    books.customer("Birch", ep=(20, 20, 18))
    return books.live(extra).save()


def _raise(data: dict[str, Any], *, row: bool = True) -> None:
    """Alder's 22 becomes 60, in the change and, with `row`, in the row beside it."""
    money = {"currency": "EUR", "before": "80.00", "after": "240.00", "delta": "160.00"}
    for change in data["changes"]:
        if change["target"]["agreement"] == 1:
            change["fields"][0]["after"] = "60"
            change["money"] = money
    for line in data["lines"]:
        if row and line["agreement"]["id"] == 1:
            line["quantity"]["after"] = "60"
            line["sales"] = money


def test_a_file_carries_no_more_than_one_line_may_change_unasked(books: Books) -> None:
    _refused(books, _signed(_saved(books), _raise), "guard-bypassed")


def test_a_file_writes_no_other_number_than_its_row_says(books: Books) -> None:
    _refused(books, _signed(_saved(books), lambda data: _raise(data, row=False)), "guard-bypassed")
    rowless = _signed(books.save(), lambda data: data.update(lines=[]))
    _refused(books, rowless, "guard-bypassed")


def test_an_approval_taken_out_of_the_file_lets_nothing_through(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 40))
    row = (
        "{customer: ALDER, product: MSP-EP, from: 20, upTo: 40, given: 2026-11-27, "
        "reason: Ann, until: 2026-12-01}"
    )
    file = books.live(f"approvals: [{row}]\n").save()
    answers = json.loads(file.read_text())["guards"]["answers"]
    assert answers == [{"line": "agreement/1/product/MSP-EP", "kind": "approval", "from": "20", "upTo": "40"}]
    file = _signed(books.save(), lambda data: data["guards"].update(answers=[]))
    _refused(books, file, "guard-bypassed")
    file = _signed(books.save(), lambda data: data["guards"]["answers"][0].update(upTo="39"))
    _refused(books, file, "guard-bypassed")
    assert results(books.apply(books.save())) == {update(1, "MSP-EP"): "applied"}


@pytest.mark.parametrize("who", ["product/msp-ep", "customer/alder"])
def test_a_file_takes_nothing_from_what_it_says_is_protected(books: Books, who: str) -> None:
    books.customer("Alder", ep=(5, 5, 0), sv=(3, 3, 3))
    books.live(settings=", guards: {lineToZero: off}")
    _refused(
        books, _signed(books.save(), lambda data: data["guards"].update(protected=[who])), "guard-bypassed"
    )


def test_a_file_unmaps_no_protected_product(books: Books) -> None:
    books.live()
    books.mapped.pop("SV-MSP")
    books.live()
    file = _signed(books.save(), lambda data: data["guards"].update(protected=["product/msp-sv"]))
    _refused(books, file, "guard-bypassed")
    assert books.apply(books.save()).code == 0


# --- how old a plan may be


@pytest.mark.parametrize(
    ("guard", "days", "refused"),
    [
        ("", 6, False),
        ("", 7, False),
        ("", 8, True),
        ("planAge: {days: 1}", 2, True),
        ("planAge: off", 20, False),
    ],
)
def test_a_plan_that_is_too_old_is_refused(books: Books, guard: str, days: int, refused: bool) -> None:
    books.customer("Alder", ep=(20, 20, 22))
    file = books.live(settings=f", guards: {{{guard}}}" if guard else "").save()
    books.today = TODAY + timedelta(days=days)
    books.forget()
    applied = books.apply(file)
    told = [one["code"] for one in applied.json["diagnostics"]]
    assert (applied.code == 5, "plan-too-old" in told) == (refused, refused), applied.err
    assert books.quantity(1) == (20 if refused else 22)
    if refused:
        assert not books.requests, "a plan that is too old is not even looked at"
        text = books.apply_text(file)
        assert (text.code, f"of 2026-11-27, {days} days ago" in text.err) == (5, True)


def test_an_ordinary_month_of_a_large_site_says_what_to_set(books: Books) -> None:
    """The numbers that the message names let exactly this month through."""
    customers(books, 9, ep=(10, 10, 11))
    customers(books, 16, ep=(10, 10, 10)).live()
    said = books.plan().diagnostic(RUN_CHANGE)["remedy"]
    wider = said.partition("runChange to ")[2].partition(" in a")[0]
    assert stopped_by(books.live(settings=f", guards: {{runChange: {wider}}}")) == []
    assert len(books.world.usage[NOVEMBER]) == 25
