"""The part of the schema that concerns `settings.guards`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config import words

if TYPE_CHECKING:
    from reconciler.config.words import Schema

#: Per action the most changes, the most percent, and from how many products or lines on those count.
#: What adds is what an introduction does, and has a wide limit; changes of quantities have `runChange`.
MOST_CHANGES: dict[str, tuple[int, int, int]] = {
    "create_product": (100, 100, 20),
    "edit_product": (100, 50, 20),
    "map_product": (200, 100, 20),
    "unmap_product": (50, 25, 20),
    "enable_sync": (200, 100, 20),
    "disable_sync": (50, 25, 20),
    "create_line": (100, 10, 20),
    "end_line": (50, 5, 20),
    "move_line": (100, 10, 20),
}
#: Percent up and down, and from how many lines on.
TOTAL = {"rise": 25, "drop": 20, "floor": 20}
_PERCENT = 100
#: What is created where little was billed is many times the month's sales.
_MOST_MONEY = 10_000
_FROM_ON = "The percentage counts only from this many on."


def guards() -> Schema:
    """The section `settings.guards`."""
    return words.record(
        "Limits beyond which changes wait for a person. All are on with these numbers; a number left out "
        "keeps its default. Each can be set to off, in review.",
        {
            "lineChange": words.or_off(
                words.record(
                    "Withholds the change of one line: more than `units` and `percent`, or more than "
                    "`money` a month.",
                    {
                        "units": words.number("Units.", default=5),
                        "percent": words.number("Percent of the old quantity.", default=25),
                        "money": words.number("Money a month, in the agreement's currency.", default=100),
                    },
                    example={"units": 5, "percent": 25, "money": 100},
                )
            ),
            "lineToZero": words.choice(
                "Whether a line that goes to zero or ends is withheld.",
                {"withhold": "it waits for a person", "off": "it goes through"},
                default="withhold",
            ),
            "feedTenants": words.or_off(
                words.record(
                    "Stops the run when fewer of last month's tenants than this are in the Sophos feed, or "
                    "when last month's bill is not known.",
                    {"percent": words.number("Percent of last month's tenants.", most=_PERCENT, default=95)},
                    example={"percent": 95},
                )
            ),
            "productToZero": words.or_off(
                words.record(
                    "Stops the run when one product goes to zero at more customers than this at once.",
                    {"customers": words.integer("Customers.", default=3)},
                    example={"customers": 3},
                )
            ),
            "unknownValues": _unknown_values(),
            "runChange": _run_change(),
            "mostChanges": _most_changes(),
            "total": _total(),
            "planAge": words.or_off(
                words.record(
                    "Refuses to apply a saved plan that is older than this.",
                    {"days": words.integer("Days.", least=1, most=366, default=7)},
                    example={"days": 7},
                )
            ),
        },
    )


def _unknown_values() -> Schema:
    return words.or_off(
        words.record(
            "Stops the run when more customers than this, and more percent of them, carry a value that this "
            "program does not know, or have a line on the bill that cannot be read.",
            {
                "customers": words.integer("Customers.", default=3),
                "percent": words.number("Percent of the customers.", most=_PERCENT, default=5),
            },
            example={"customers": 3, "percent": 5},
        )
    )


def _run_change() -> Schema:
    return words.or_off(
        words.record(
            "Stops the run when more than this of what is billed would be written at once. What an "
            "approval, a hold or a row itself has answered does not count.",
            {
                "lines": words.number("Percent of all lines.", most=_PERCENT, default=10),
                "money": words.number(
                    "Percent of a month's sales, per currency; changes up and down are added.",
                    most=_MOST_MONEY,
                    default=5,
                ),
                "floor": words.integer("Counts only from this many lines on.", default=20),
            },
            example={"lines": 10, "money": 5, "floor": 20},
        )
    )


def _most_changes() -> Schema:
    actions = {
        action: words.or_off(
            words.record(
                f"The most of {action}.",
                {
                    "count": words.integer("So many at once.", default=count),
                    "percent": words.number(
                        f"Percent of {'all lines' if action.endswith('_line') else 'the products'}.",
                        most=_PERCENT,
                        default=percent,
                    ),
                    "floor": words.integer(_FROM_ON, default=floor),
                },
                example={"count": count, "percent": percent, "floor": floor},
            )
        )
        for action, (count, percent, floor) in MOST_CHANGES.items()
    }
    return words.or_off(
        words.record(
            "Stops the run when one action, as a plan names it, would be done more often than this. Lines "
            "that an approval, a hold or a row itself has answered do not count. Each can be off.",
            actions,
            example={"unmap_product": {"count": 10}},
        )
    )


def _total() -> Schema:
    return words.or_off(
        words.record(
            "Stops the run when the monthly total of the lines that are written or stay would rise or drop "
            "by more than this, per currency. What was approved counts too.",
            {
                "rise": words.number("Percent upwards.", most=10_000, default=TOTAL["rise"]),
                "drop": words.number("Percent downwards.", most=_PERCENT, default=TOTAL["drop"]),
                "floor": words.integer(
                    "The percentages count only from this many lines on.", default=TOTAL["floor"]
                ),
                "money": words.keyed(
                    "Money a month by currency, up or down, on however many lines.",
                    words.strict_text("A currency.", "^[A-Z]{3}$", limit=3),
                    words.number("Money a month.", example=2500),
                    example={"EUR": 2500},
                ),
            },
            example=TOTAL,
        )
    )
