"""The part of the schema that concerns `settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config import words
from reconciler.config.homes import FIXED, FREE
from reconciler.config.schema_guards import guards

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
            "homes": _homes(),
            "guards": guards(),
        },
    )


def _homes() -> Schema:
    return words.choice(
        "Whether each section has to stand in the file of its name, so that files, and with them "
        "sections, can have owners.",
        {
            FREE: "any section may stand in any file",
            FIXED: "a section stands in `SECTION.yaml` or in files of the folder `SECTION`; "
            "`defaults` with `customers`, and `nameDiffers` and `restart` of a customer's row in "
            "`answers.yaml`",
        },
        default=FREE,
    )
