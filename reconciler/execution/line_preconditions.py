"""Whether the lines of a plan still fit what is there, and the records beside them that they rest on.

Read for all changes before the first write (`execution.fresh`); `model.rests` lists what counts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.execution.fresh import There, read_there
from reconciler.execution.lines import stale_line
from reconciler.execution.state import Stale
from reconciler.execution.unseen import unseen_lines
from reconciler.execution.wanted_line import described, first_day, in_the_way, not_as_wanted, serial_of
from reconciler.model.billing import Recap
from reconciler.model.change import MAPPING_PREFIX, SYNC_ON
from reconciler.model.counts import number_of
from reconciler.model.fields import FIELDS_BY_NAME, from_plan
from reconciler.model.identifiers import identifier_key
from reconciler.model.line_fields import LINE_FIELDS_BY_NAME
from reconciler.model.line_state import holds
from reconciler.model.money import plain
from reconciler.model.rests import (
    CALLED,
    CODES,
    OF_PRODUCT,
    RecordKind,
    differences,
    plan_value,
    sign_agreement,
    sign_company,
    sign_product,
    sign_recap,
    with_codes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from reconciler.connectwise.client import Client
    from reconciler.execution.unseen import Seen
    from reconciler.model.billing import Agreement, Line
    from reconciler.model.change import Basis, Change
    from reconciler.model.field_change import FieldChange
    from reconciler.model.observed import CatalogItem
    from reconciler.model.product_state import MarkerPlace


#: Lines that ended before that are looked for by no plan, which reads those of more than a year.
_LATELY = timedelta(days=300)


async def stale_lines(
    client: Client,
    changes: Sequence[Change],
    of_products: Sequence[Change],
    marked: Sequence[CatalogItem],
    place: MarkerPlace,
    member: str | None,
    seen: Seen | None = None,
) -> list[Stale]:
    """Every change of a line that no longer fits; `of_products` are the same plan's changes of products.

    A change that is done already does fit, whatever has been invoiced since. `marked` are all products that
    carry a tag, `seen` the lines that a saved plan knows: none of its new lines may meet another one.
    Raises ReconcilerError where something cannot be read, ListShort where a list came short.
    """
    if not changes:
        return []
    there = await read_there(client, changes, of_products, marked)
    targets = {change.target.id for change in changes if change.target.id is not None}
    there = replace(there, own=frozenset(targets))
    done = {change.id: lines for change in changes if (lines := _done(change, there))}
    there = replace(there, own=frozenset(targets.union(line.id for lines in done.values() for line in lines)))
    scene = _scene(there, of_products, place, member)
    found: list[Stale] = []
    for change in changes:
        if change.starts_line:
            said = _stale_creation(change, scene, is_done=change.id in done)
        else:
            said = _stale_change(change, scene)
        found += [Stale(change, what) for what in said]
    creations = [change for change in changes if change.starts_line and change.id not in done]
    if seen is not None and creations:
        found += await unseen_lines(client, creations, there.lines, there.own, seen)
    return found


@dataclass(frozen=True)
class _Scene:
    """What changes are held against: what is there, who we are, and what this plan gives products itself.

    `given` are values by product id and `model.rests` name, `codes` by product id each code's state then.
    """

    there: There
    place: MarkerPlace
    member: str | None
    given: Mapping[int, Mapping[str, Any]]
    codes: Mapping[int, Mapping[str, bool | None]]


def _scene(there: There, of_products: Sequence[Change], place: MarkerPlace, member: str | None) -> _Scene:
    names = {rest.attribute: rest.name for rest in OF_PRODUCT}
    given: dict[int, dict[str, Any]] = defaultdict(dict)
    codes: dict[int, dict[str, bool | None]] = defaultdict(dict)
    for change in of_products:
        for one in change.fields if change.target.id is not None else ():
            if one.field.startswith(MAPPING_PREFIX):
                code = one.field.removeprefix(MAPPING_PREFIX)
                codes[change.target.id or 0][code] = None if one.after is None else one.after == SYNC_ON
            elif one.field in names:
                given[change.target.id or 0][names[one.field]] = plan_value(_typed(one.field, one.after))
    return _Scene(there, place, member, given, codes)


def _typed(name: str, value: Any) -> Any:
    return from_plan(FIELDS_BY_NAME[name], value) if name in FIELDS_BY_NAME else value


def _own_lines(change: Change, there: There) -> list[Line]:
    """The open lines that may be the one that is to be created; not those that the plan writes itself."""
    products = there.names.of(identifier_key(change.target.identifier))
    here = there.lines.get(change.target.agreement or 0, ())
    own = [line for line in here if line.product_id in products and line.id not in there.own]
    return in_the_way(change, own)


def _done(change: Change, there: There) -> list[Line]:
    """The line of a creation that is there already, exactly as wanted; none of any other change.

    Two of them are two other runs', of which the second is about to end its own: the write looks again.
    """
    if not change.starts_line:
        return []
    own = _own_lines(change, there)
    return own if not any(not_as_wanted(change, line) for line in own) else []


def _stale_change(change: Change, scene: _Scene) -> list[str]:
    there, agreement, number = scene.there, change.target.agreement, change.target.id
    line = next((one for one in there.lines.get(agreement or 0, ()) if one.id == number), None)
    if line is None:
        gone = [] if agreement in there.agreements else [f"agreement #{agreement} is no longer there"]
        return [*gone, f"line #{number} is no longer on agreement {agreement}"]
    renamed = there.names.renamed
    product = renamed.get(identifier_key(change.expected_identifier or ""))
    former = {line.product_key} if product == line.product_id else set()
    found = [what for _, what in stale_line(line, [change], scene.member, former)]
    serial = serial_of(change)
    if serial is not None and not line.bears(serial):
        found.append(f"line #{line.id} does not name firewall {serial} any more")
    if not all(holds(line, one.field, one.after) for one in change.fields):
        found += [*_stale_records(change, scene), *_doubled(change, scene, set())]
    return found


def _stale_creation(change: Change, scene: _Scene, *, is_done: bool) -> list[str]:
    key, names = identifier_key(change.target.identifier), scene.there.names
    products = names.of(key)
    found = []
    if not products and key not in names.created:
        found.append(f"product {change.target.identifier} is no longer in ConnectWise")
    if len(products) > 1:
        found.append(f"{len(products)} products are called {change.target.identifier} now")
    expected = None if change.basis is None else change.basis.product
    if len(products) == 1 and expected is not None and products[0] != expected.id:
        found.append(
            f"product {change.target.identifier} has id {products[0]} now, the plan expected id {expected.id}"
        )
    if not is_done:
        found += _stale_records(change, scene)
        found += _ended_unseen(change, scene.there)
    own = _own_lines(change, scene.there)
    if own and not is_done:
        shown = described(own)
        found.append(
            f"agreement #{change.target.agreement} has a line of {change.target.identifier} by now ({shown})"
        )
    return [*found, *_doubled(change, scene, {line.id for line in own})]


def _ended_unseen(change: Change, there: There) -> list[str]:
    """Lines of the product on its agreement that are over and that the plan does not know of."""
    basis, products = change.basis, there.names.of(identifier_key(change.target.identifier))
    if basis is None:
        return []
    return [
        f"line #{line.id} of {change.target.identifier} on agreement #{line.agreement_id} was ended on "
        f"{line.cancelled}, and the plan did not see that: it may have been on purpose"
        for line in there.lines.get(change.target.agreement or 0, ())
        if line.product_id in products
        and not line.may_bill(first_day(change))
        and (line.cancelled is None or line.cancelled >= first_day(change) - _LATELY)
        and line.id not in basis.over
        and line.id not in there.own
        and not line.never_bills
    ]


def _stale_records(change: Change, scene: _Scene) -> list[str]:
    """What has become of the agreement, its company and the product; each difference with both values."""
    agreement = scene.there.agreements.get(change.target.agreement or 0)
    if agreement is None:
        return [f"agreement #{change.target.agreement} is no longer there"]
    found = []
    day = first_day(change) if change.starts_line else agreement.next_day
    if day is not None and not agreement.in_force(day):
        found.append(f"agreement #{agreement.id} is not in force on {day} any more")
    basis = change.basis
    if basis is None:
        return found
    if basis.agreement is not None:
        moved = differences(RecordKind.AGREEMENT, basis.agreement, sign_agreement(agreement))
        found += [f"agreement #{agreement.id} {what}" for what in moved]
    if basis.recap is not None:
        recap = scene.there.recaps.get(agreement.id) or Recap(agreement.id)
        moved = differences(RecordKind.RECAP, basis.recap, sign_recap(recap))
        found += [f"agreement #{agreement.id} {what}" for what in moved]
    found += _stale_company(basis, agreement, scene.there)
    return [*found, *_stale_product(change, basis, scene)]


def _stale_company(basis: Basis, agreement: Agreement, there: There) -> list[str]:
    then = basis.company
    if then is None or then.id != agreement.company_id:
        return []  # of another company by now, which is a difference of the agreement
    company = there.companies.get(then.id)
    if company is None:
        return [f"company #{then.id} of agreement #{agreement.id} is no longer there"]
    moved = differences(RecordKind.COMPANY, then, sign_company(company))
    return [f"company {company.identifier} (id {company.id}) {what}" for what in moved]


def _stale_product(change: Change, basis: Basis, scene: _Scene) -> list[str]:
    then = basis.product
    if then is None or not then.values:
        return []  # created by this plan, or one that the plan did not read
    item = scene.there.products.get(then.id)
    if item is None:
        return [f"product id {then.id} is no longer in ConnectWise"]
    place = scene.place
    own = dict(scene.given.get(then.id, {}))
    own[CODES.name] = with_codes(then.get(CODES.name), scene.codes.get(then.id, {}))
    now = sign_product(item, place.owner, place.custom_field)
    sent = {one.field: _line_value(one) for one in change.fields} if change.starts_line else None
    moved = differences(RecordKind.PRODUCT, then, now, own=own, sent=sent)
    if change.starts_line:  # which product is called so was looked up by its name
        moved = [what for what in moved if not what.startswith(CALLED.says)]
    return [f"product {item.identifier.strip()} (id {item.id}) {what}" for what in moved]


def _line_value(one: FieldChange) -> Any:
    return from_plan(LINE_FIELDS_BY_NAME[one.field], one.after)


def _doubled(change: Change, scene: _Scene, told: set[int]) -> list[str]:
    """Open lines that would bill the seats a second time and that the plan does not know of."""
    basis, there = change.basis, scene.there
    if basis is None:
        return []
    beside = dict(basis.beside)
    carrying = {item.id for item in there.marked if scene.place.carried(item) & set(basis.codes)}
    rivals = carrying | set(basis.products)
    found = []
    for agreement, day in _billed_on(change, basis, there):
        for line in there.lines.get(agreement.id, ()):
            known = line.id in there.own or line.id in told or beside.get(line.id) == plain(line.quantity)
            if known or line.product_id not in rivals or not line.quantity or not line.may_bill(day):
                continue
            if change.starts_line or _is_of(change, line):
                found.append(_rival(line, beside.get(line.id)))
    return found


def _is_of(change: Change, line: Line) -> bool:
    """Whether a line may be the one that a change is about: of several firewalls each has its own."""
    serial = serial_of(change)
    return serial is None or line.bears(serial)


def _billed_on(change: Change, basis: Basis, there: There) -> list[tuple[Agreement, date]]:
    """Where a second line would bill, and from which day on: what the plan knew of, and what came since."""
    own = there.agreements.get(change.target.agreement or 0)
    numbers = set(basis.agreements)
    if change.starts_line and own is not None:
        numbers |= set(there.around.get(own.company_id, ()))
    for company in basis.companies:
        numbers |= set(there.around.get(company, ()))
    found = []
    for number in sorted(numbers):
        agreement = there.agreements.get(number)
        if agreement is None:
            continue  # what is not there any more bills nothing
        day = agreement.next_day
        if change.starts_line and (number == change.target.agreement or day is None):
            day = first_day(change)
        if day is not None and (number in basis.agreements or agreement.in_force(day)):
            found.append((agreement, day))
    return found


def _rival(line: Line, expected: str | None) -> str:
    what = (
        f"line #{line.id} of {line.product_identifier.strip()} on agreement #{line.agreement_id} has "
        f"{number_of(line.quantity, 'unit')} now"
    )
    return f"{what}, the plan expected {expected or 'no such line'}: its seats may be billed twice"
