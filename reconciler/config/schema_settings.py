"""The part of the schema that concerns `settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config import words

if TYPE_CHECKING:
    from reconciler.config.words import Schema


def settings() -> Schema:
    """The section `settings`."""
    return words.record(
        "The site's own rules.",
        {
            "owner": words.strict_text(
                "Our name in the marker that says which products are ours. Products marked by another owner "
                "are left alone. Change it only while nothing is marked.",
                "^[A-Za-z0-9_.-]+$",
                limit=40,
                example="main",
                default="main",
            ),
            "mode": words.choice(
                "Whether usage is written to agreements.",
                {"shadow": "everything is planned, no line is written", "live": "lines are written"},
                default="shadow",
            ),
            "timeZone": words.strict_text(
                "The IANA time zone that decides which day it is.",
                "^[A-Za-z][A-Za-z0-9_+/-]*$",
                example="Europe/Lisbon",
                default="UTC",
            ),
            "connectwiseMember": words.text(
                "The ConnectWise API member that this tool writes as; what others changed last is treated "
                "with care.",
                60,
                pattern=words.ONE_LINE,
                example="apirec",
            ),
            "onZeroUsage": words.choice(
                "What happens to a line when the tenant is in the feed and the product is not.",
                {
                    "zero": "the quantity becomes 0",
                    "end": "the line ends",
                    "keep": "the line stays as it is, and the plan says so",
                },
                default="zero",
            ),
            "onUnmap": words.choice(
                "What happens to the lines of a product whose codes are mapped nowhere any more.",
                {"keep": "they stay, and the plan says so", "end": "they end"},
                default="keep",
            ),
            "onDrift": words.choice(
                "What happens to a line that somebody changed by hand.",
                {
                    "block": "nothing, until a hold or an approval answers it",
                    "enforce": "the declared state is written again",
                },
                default="block",
            ),
            "newLines": words.choice(
                "Whether runs with --unattended may create lines; a plan that was reviewed always may.",
                {"ask": "they are withheld", "create": "they are created"},
                default="ask",
            ),
            "marker": words.record(
                "Where the marker is kept; a tag in the product's internal notes unless said otherwise.",
                {
                    "customField": words.text(
                        "The caption of a text custom field.",
                        100,
                        pattern=words.ONE_LINE,
                        example="Sophos codes",
                    )
                },
                required=("customField",),
            ),
            "currency": words.strict_text(
                "What every agreement's currency must be (ISO 4217). Only checked; nothing is converted.",
                "^[A-Z]{3}$",
                limit=3,
                example="EUR",
            ),
            "guards": _guards(),
        },
    )


def _guards() -> Schema:
    percent = 100
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
                    {"percent": words.number("Percent of last month's tenants.", most=percent, default=95)},
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
            "runChange": words.or_off(
                words.record(
                    "Stops the run when more than this changes at once. Not acted on in this release.",
                    {
                        "lines": words.number("Percent of all lines.", most=percent, default=10),
                        "money": words.number("Percent of all money.", most=percent, default=5),
                        "floor": words.integer("Counts only from this many lines on.", default=20),
                    },
                    example={"lines": 10, "money": 5, "floor": 20},
                )
            ),
            "planAge": words.or_off(
                words.record(
                    "Refuses to apply a saved plan that is older than this. Not acted on in this release.",
                    {"days": words.integer("Days.", least=1, most=366, default=7)},
                    example={"days": 7},
                )
            ),
        },
    )
