"""A customer's name beside that of the company that is billed."""

from __future__ import annotations


def billed_as(customer: str, company: str, company_name: str) -> str:
    """A customer with the ConnectWise company that is billed: `Alder Dental (Alder Clinics, ALDER)`.

    What is already there is not written again, `ALDERDENTAL` after `Alder Dental` neither.
    """
    there, shown = {_letters(customer)}, []
    for text in (company_name, company):
        if text.strip() and _letters(text) not in there:
            there.add(_letters(text))
            shown.append(text.strip())
    return f"{customer} ({', '.join(shown)})" if shown else customer


def _letters(text: str) -> str:
    """The letters and digits alone, in one case; the text itself where it has none."""
    return "".join(filter(str.isalnum, text.casefold())) or text
