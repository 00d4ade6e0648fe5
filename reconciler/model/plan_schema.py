"""The JSON schema of plan files; `schemas/plan.schema.json` is generated from it."""

from __future__ import annotations

from typing import Any

from reconciler.model.basis_schema import basis_schema
from reconciler.model.census import LineAccount, UnitAccount
from reconciler.model.change import Action, Cause
from reconciler.model.diagnostics import Severity
from reconciler.model.lines import LineState
from reconciler.model.plan import FORMAT_VERSION
from reconciler.model.plan_guards import Answered
from reconciler.model.rests import RESTS, Form, RecordKind
from reconciler.model.schema_parts import (
    BY_HAND,
    DAY,
    NUMBER,
    RECORD_ID,
    TEXT,
    TEXT_OR_NULL,
    list_of,
    or_null,
    record,
)

_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_MONTH: dict[str, Any] = {"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])$"}


_NUMBER_OR_NULL: dict[str, Any] = {**NUMBER, "type": ["string", "null"]}
_AMOUNT: dict[str, Any] = record(
    "Money per month, before tax.", currency=TEXT, before=NUMBER, after=NUMBER, delta=NUMBER
)


_FIELD_CHANGE: dict[str, Any] = {
    "type": "object",
    "description": "One value before and after.",
    "properties": {"field": TEXT, "before": {}, "after": {}},
    "required": ["after", "before", "field"],
    "additionalProperties": False,
}


def plan_schema() -> dict[str, Any]:
    """The schema, draft-07."""
    source = or_null(
        record("Where in the configuration it comes from.", file=TEXT, line={"type": "integer", "minimum": 0})
    )
    place = or_null(record("Where it is.", file=TEXT, line=_COUNT, column=_COUNT))
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Plan",
        "description": "What apply would write, as `reconciler plan --out` saves it. Money and quantities "
        "are decimal strings. Within format 2, keys are added and never changed or removed.",
        "type": "object",
        "properties": {
            "formatVersion": {"const": FORMAT_VERSION},
            "tool": {**TEXT, "description": "The program and version that made it."},
            "site": {**TEXT, "description": "The folder's name."},
            "marker": record("Whose tags, and where.", owner=TEXT, customField=TEXT_OR_NULL),
            "member": {**TEXT_OR_NULL, "description": "The ConnectWise member that writes."},
            "instance": record(
                "The ConnectWise and the Sophos partner it is about; no other is written.",
                connectwiseHost=TEXT,
                connectwiseCompany=TEXT,
                sophosPartner=TEXT,
            ),
            "today": {**DAY, "description": "The site's day."},
            "period": or_null(
                record(
                    "The Sophos month it speaks of.",
                    month=_MONTH,
                    title=TEXT,
                    firstDay=DAY,
                    lastDay=DAY,
                    closed={"type": "boolean"},
                )
            ),
            "usageReadAt": {**TEXT_OR_NULL, "description": "When Sophos was asked, ISO 8601."},
            "configHash": TEXT,
            "boundTo": or_null(_bound_to()),
            "hash": {**TEXT, "description": "SHA-256 of the text above it."},
            "rollbackOf": or_null(record("The run taken back.", run=TEXT, started=TEXT, planHash=TEXT)),
            "narrowedTo": list_of(TEXT, "What it was narrowed to."),
            "guards": _guards(),
            "restsOn": _rests_on(),
            "changes": list_of(_change(source), "In the order of the run."),
            "diagnostics": list_of(_diagnostic(place), "Errors first."),
            "lines": list_of(_line(source), "Every agreement line that is counted, changed or not."),
            "usageNotes": list_of(_usage_note(), "Usage that no line carries."),
            "census": or_null(_census(source)),
            "removedRows": list_of(
                record("A row that the base had.", key=TEXT, text=TEXT), "With --since only."
            ),
            "summary": {"type": "object", "additionalProperties": _COUNT, "description": "Counts."},
        },
        "required": [
            "formatVersion", "tool", "site", "marker", "member", "instance", "today", "period",
            "usageReadAt", "configHash", "hash", "rollbackOf", "narrowedTo", "guards", "restsOn", "changes",
            "diagnostics", "lines", "usageNotes", "census", "removedRows", "summary",
        ],
        "additionalProperties": False,
    }  # fmt: skip


def _bound_to() -> dict[str, Any]:
    commit = {"type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$"}
    return record(
        "What it is a plan of, where a workflow planned a commit.",
        repository=TEXT,
        pullRequest={"type": ["integer", "null"], "minimum": 1},
        base=commit,
        head=commit,
        tree=commit,
        mappings={"type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64}|)$"},
        made={"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"},
    )


def _census(source: dict[str, Any]) -> dict[str, Any]:
    """Both identities, and the lines that no row of the plan speaks of."""
    money = {"type": "object", "additionalProperties": NUMBER}
    of_lines = record(
        "The open lines of one account.",
        account={"enum": [account.value for account in LineAccount]},
        word={**TEXT_OR_NULL, "description": "The word that leaves them as they are."},
        lines=_COUNT,
        units=NUMBER,
        money={**money, "description": "What they bill a month, per currency."},
    )
    of_units = record(
        "The units of one account.",
        account={"enum": [account.value for account in UnitAccount]},
        word={**TEXT_OR_NULL, "description": "Why they are excluded or undecided."},
        units=NUMBER,
        value={**money, "description": "At Sophos's feed price, per currency."},
    )
    apart = record(
        "An open line that no row of `lines` has as its own.",
        line=RECORD_ID,
        agreement=record("Where it is billed.", id=RECORD_ID, name=TEXT),
        company=TEXT,
        companyName=TEXT,
        product=TEXT,
        quantity=NUMBER,
        account={"enum": [account.value for account in LineAccount]},
        word=TEXT_OR_NULL,
        reason=TEXT,
        remedy=TEXT,
        sales=or_null(_AMOUNT),
        nextInvoice=or_null(DAY),
        lastWriter=TEXT,
        lastWritten=TEXT,
        source=source,
        row={**TEXT_OR_NULL, "description": "The key of the row that it stands beside, if any."},
    )
    return record(
        "The account of every open line that concerns us, and of every unit on the bill; null where no line "
        "was counted.",
        lines=record("All lines.", total=_COUNT, accounts=list_of(of_lines, "Those that are not empty.")),
        units=record("All units.", total=NUMBER, accounts=list_of(of_units, "Those that are not empty.")),
        apart=list_of(apart, "Open lines that no row of the plan has as its own."),
        narrowed={
            "type": "boolean",
            "description": "Whether `apart` has those of some customers or products alone.",
        },
    )


def _guards() -> dict[str, Any]:
    days = {"type": "integer", "minimum": 1}
    return record(
        "The limits that it was made by, which apply computes again. Null is off.",
        lineChange=or_null(record("Of one line.", units=NUMBER, percent=NUMBER, money=NUMBER)),
        lineToZero={"type": "boolean", "description": "Whether a line to zero waits for a person."},
        feedTenants=or_null(record("The least share of last month's tenants.", percent=NUMBER)),
        productToZero=or_null(record("The most customers of one product.", customers=_COUNT)),
        runChange=or_null(record("Of everything.", lines=NUMBER, money=NUMBER, floor=_COUNT)),
        mostChanges=list_of(
            record(
                "Of one action; what has none is off.",
                action={"enum": [action.value for action in Action]},
                count=_COUNT,
                percent=NUMBER,
                floor=_COUNT,
            ),
            "The most changes of each action.",
        ),
        total=or_null(
            record(
                "Of the monthly total of each currency.",
                rise=NUMBER,
                drop=NUMBER,
                floor=_COUNT,
                money={"type": "object", "additionalProperties": NUMBER, "description": "By currency."},
            )
        ),
        planAge=or_null(record("How old a saved plan may be.", days=days)),
        protected=list_of(TEXT, "product/… and customer/…: from these nothing is taken away."),
        answers=list_of(
            record(
                "A yes to the change of one line.",
                line={**TEXT, "description": "The row's key."},
                kind={"enum": [kind.value for kind in Answered]},
                **{"from": _NUMBER_OR_NULL},
                upTo=_NUMBER_OR_NULL,
            ),
            "The lines that an approval, a hold or a row itself has answered.",
        ),
        products={**_COUNT, "description": "How many products the site has."},
        goodUntil=or_null(
            record(
                "The last day on which every word that it was made by holds.",
                day=DAY,
                word={**TEXT, "description": "Which one ends then."},
                source={**TEXT, "description": "Where that stands."},
            )
        ),
    )


def _change(source: dict[str, Any]) -> dict[str, Any]:
    number = {"type": ["integer", "null"], "minimum": 1}
    return record(
        "One reviewed step; changes with one `write` are one request and share one fate.",
        id={**TEXT, "description": "Action and natural key, free of values, stable across runs."},
        action={"enum": [action.value for action in Action]},
        target=record(
            "The product, or its line on an agreement.",
            type={"enum": ["product", "line"]},
            identifier=TEXT,
            id=number,
            agreement=number,
            part={
                **TEXT_OR_NULL,
                "description": "Tells lines of one product on one agreement apart: serial/… or line/….",
            },
        ),
        cause={"enum": [None, *(cause.value for cause in Cause)]},
        reason=TEXT,
        fields=list_of(_FIELD_CHANGE, "What is written."),
        write=TEXT,
        dependsOn=list_of(TEXT, "Writes that must have succeeded before."),
        blockedBy=list_of(TEXT, "Diagnostics for which it is held back."),
        precondition=record(
            "Which record it expects to find.",
            id=number,
            identifier=TEXT_OR_NULL,
            mappedOn=list_of({"type": "integer"}, "The products, by id, that have the code until now."),
            line=or_null(basis_schema()),
        ),
        source=source,
        money=or_null(_AMOUNT),
    )


def _rests_on() -> dict[str, Any]:
    """The records beside the lines: what a message says of each value is its description."""
    forms: dict[Form, dict[str, Any]] = {
        Form.TEXT: TEXT,
        Form.DAY: DAY,
        Form.FLAG: {"const": True},
        Form.NUMBER: RECORD_ID,
        Form.COUNT: _COUNT,
    }
    tables: dict[str, Any] = {
        kind.value: {
            "type": "object",
            "propertyNames": {"pattern": "^[1-9][0-9]{0,14}$"},
            "additionalProperties": {
                "type": "object",
                "properties": {
                    rest.name: {**forms[rest.form], "description": f"It {rest.says.rstrip(':')} …"}
                    for rest in RESTS[kind]
                },
                "additionalProperties": False,
            },
            "description": "By id. What is not set is left out.",
        }
        for kind in RecordKind
    }
    return record("The records that changes of lines rest on, as they were read.", **tables)


def _diagnostic(place: dict[str, Any]) -> dict[str, Any]:
    return record(
        "Something to say: what is wrong, where, and what to do.",
        severity={"enum": [severity.value for severity in Severity]},
        code=TEXT,
        message=TEXT,
        remedy=TEXT,
        subject=TEXT_OR_NULL,
        source=place,
    )


def _usage_note() -> dict[str, Any]:
    return record(
        "Usage without a mapping, without a customer, or deliberately excluded.",
        kind={"enum": ["unmapped", "unassigned", "excluded", "customer", "unsynced", "unbilled"]},
        code=TEXT,
        description=TEXT,
        quantity=TEXT,
        customers=_COUNT,
        value={"type": "object", "additionalProperties": TEXT},
        serial=TEXT_OR_NULL,
        detail=TEXT,
    )


def _line(source: dict[str, Any]) -> dict[str, Any]:
    number = {"type": ["integer", "null"], "minimum": 1}
    return record(
        "One product of one customer on one agreement.",
        key={**TEXT, "description": "Natural key, the same in every run."},
        customer=TEXT,
        tenants=list_of(TEXT, "Sophos tenant ids."),
        company={**TEXT, "description": "The ConnectWise company's identifier."},
        companyName={**TEXT, "description": "Its name in ConnectWise; empty where it is not known."},
        agreement=record("The agreement.", id=number, name=TEXT),
        product=TEXT,
        line=number,
        state={"enum": [state.value for state in LineState]},
        reason=TEXT,
        quantity=record("Units; null where not known.", before=_NUMBER_OR_NULL, after=_NUMBER_OR_NULL),
        included=record("Units that are not billed.", before=NUMBER, after=NUMBER),
        unitPrice=NUMBER,
        unitCost=NUMBER,
        billCustomer=TEXT,
        sales=or_null(_AMOUNT),
        cost=or_null(_AMOUNT),
        feed={"type": "object", "additionalProperties": NUMBER, "description": "At Sophos, by currency."},
        parts=TEXT,
        decidedBy=TEXT,
        held={"type": "boolean"},
        shadow={"type": "boolean", "description": "Planned and not written, because the mode is shadow."},
        firstInvoice=or_null(DAY),
        periodType={**TEXT, "description": "Which service period an invoice of the agreement covers."},
        lastWriter=TEXT,
        lastWritten=TEXT,
        source=source,
        declared=list_of(_FIELD_CHANGE, "Fields that `always` states and that differ."),
        monthsWithoutUsage={
            **_COUNT,
            "description": "Closed months in a row that have nothing of the customer on Sophos's bill; 2 is "
            "two or more.",
        },
        cycleMonths={
            "type": "integer",
            "minimum": 1,
            "maximum": 1200,
            "description": "How many months one invoice of the agreement covers.",
        },
        starts={**or_null(DAY), "description": "The first billed day of a new line."},
        ends={**or_null(DAY), "description": "The last billed day of a line that ends."},
        takesOver=list_of(_old_line(), "The lines that end because this one bills their seats."),
        priceSource={**TEXT, "description": "Where the price of a new line comes from."},
        notBilled=or_null(_not_billed()),
        serial={**TEXT_OR_NULL, "description": "Of a firewall with a line of its own."},
        prorates={"type": "boolean", "description": "Whether the agreement bills parts of a month."},
        leftOver={"type": "boolean", "description": "A line that no row speaks of any more."},
        given={**TEXT_OR_NULL, "description": "What an approval of the change says as `given`."},
        byHand=or_null(BY_HAND),
        waitsFor={**TEXT_OR_NULL, "description": "The key of the row that has to be settled first."},
    )


def _not_billed() -> dict[str, Any]:
    return record(
        "What the first day of a new line leaves unbilled.",
        months=list_of(_MONTH, "The months with usage before it."),
        amount=NUMBER,
    )


def _old_line() -> dict[str, Any]:
    return record(
        "A line that ends.",
        agreement=record("Its agreement.", id=RECORD_ID, name=TEXT),
        product=TEXT,
        line=RECORD_ID,
        quantity=NUMBER,
    )
