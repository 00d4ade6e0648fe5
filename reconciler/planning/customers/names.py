"""Whether a Sophos tenant and a ConnectWise company can be one customer, by what they are called.

The rule is generous: it is there for rows that were swapped or given somebody else's company, and not for
spelling. What it cannot see, a person says once in the row (`nameDiffers: true`).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

#: Forms of companies, and words that join names: they tell no two customers apart.
LEGAL_FORMS = frozenset(
    {
        "ab", "ag", "aps", "as", "asa", "bhd", "bv", "bvba", "co", "company", "corp", "corporation",
        "cv", "doo", "eg", "ehf", "eirl", "ek", "eurl", "ev", "gbr", "gesmbh", "gmbh", "hf", "inc",
        "incorporated", "jsc", "kft", "kg", "kgaa", "kk", "lda", "limitada", "limited", "llc",
        "llp", "lp", "ltd", "ltda", "mbh", "nv", "ohg", "oy", "oyj", "plc", "pte", "pty", "pvt",
        "sa", "sarl", "sas", "sasu", "scs", "sdn", "sl", "slu", "snc", "sociedade", "sp", "spa",
        "spolka", "spzoo", "srl", "srls", "sro", "ug", "unipessoal", "vof", "zoo", "zrt",
    }
)  # fmt: skip
JOINING = frozenset(
    {
        "a", "and", "da", "das", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "e",
        "el", "et", "for", "la", "le", "les", "of", "the", "und", "van", "von", "y",
    }
)  # fmt: skip
#: Letters that Unicode does not take apart into a letter and its mark.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_WORD = re.compile(r"[^\W_]+")
#: Single letters with points between them are one word: `G.m.b.H.`, `A.B.C.`.
_DOTTED = re.compile(r"(?<!\w)(?:\w\.\s?){2,}\w?(?!\w)")
#: A word in the names of so many customers says little about any of them.
COMMON = 3
_SHORTEST = 3
_SHORTEST_INSIDE = 5
_SAME_WORD = 0.8
_SAME_NAME = 0.85
_SHARED = 0.7


class Fit(IntEnum):
    """How well two names go together."""

    DIFFERENT = 0
    ALIKE = 1  # they share what tells them from others
    CONTAINED = 2  # one is the other with something added, cut or abbreviated
    SAME = 3


@dataclass(frozen=True)
class Words:
    """A name as it is compared: the words that count, and every word."""

    own: tuple[str, ...]
    every: tuple[str, ...]

    @property
    def joined(self) -> str:
        """The words that count without what stands between them."""
        return "".join(self.own)


@lru_cache(maxsize=20_000)
def words_of(name: str) -> Words:
    """The words of a name without accents, case, punctuation, legal forms and joining words.

    A name of nothing but such words keeps them.
    """
    plain = unicodedata.normalize("NFKD", name.replace("&", " and ").replace("+", " and ").casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).translate(_LETTERS)
    plain = re.sub(r"['’`´]", "", plain)
    plain = _DOTTED.sub(lambda found: re.sub(r"[.\s]", "", found[0]) + " ", plain)
    every = tuple(_WORD.findall(plain))
    own = tuple(word for word in every if word not in LEGAL_FORMS and word not in JOINING)
    return Words(own or every, every)


def fit(one: str, other: str, common: Collection[str] = frozenset()) -> Fit:
    """How well two names go together; `common` are words that many customers have in theirs."""
    left, right = words_of(one), words_of(other)
    if not left.every or not right.every:
        # Names without any letter or digit: only the same one is the same.
        return Fit.SAME if one.strip() and one.strip() == other.strip() else Fit.DIFFERENT
    if left.joined == right.joined or sorted(left.own) == sorted(right.own):
        return Fit.SAME
    short, long = sorted((left, right), key=lambda words: len(words.joined))
    if _contains(long, short, common) or _abbreviates(short, long) or _abbreviates(long, short):
        return Fit.CONTAINED
    if _shares(left, right, common):
        return Fit.ALIKE
    return Fit.DIFFERENT


def _contains(long: Words, short: Words, common: Collection[str]) -> bool:
    """Whether all words of the short name are in the long one, or its letters in a row are."""
    telling = [word for word in short.own if word not in common and len(word) >= _SHORTEST]
    if telling and all(any(_same_word(word, one) for one in long.own) for word in short.own):
        return True
    if len(short.joined) < _SHORTEST or short.joined in common:
        return False
    at = long.joined.find(short.joined)
    if at < 0 or (at > 0 and len(short.joined) < _SHORTEST_INSIDE):
        return False
    # `customer12` is not the beginning of `customer120`.
    return not (short.joined[-1:].isdigit() and long.joined[at + len(short.joined) :][:1].isdigit())


def _same_word(one: str, other: str) -> bool:
    """Whether two words are one, abbreviated (`eng` of `engineering`) or spelled a little otherwise."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < _SHORTEST or short.isdigit() or long.isdigit():
        return False
    return long.startswith(short) or (len(short) > _SHORTEST and _ratio(one, other) >= _SAME_WORD)


@lru_cache(maxsize=100_000)
def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _abbreviates(short: Words, long: Words) -> bool:
    """Whether the first name begins with the initials of the other (`JRA`, `IBM Portugal`)."""
    initials = short.own[0]
    if not 1 < len(initials) <= len(long.every):
        return False
    return any("".join(word[0] for word in words).startswith(initials) for words in (long.own, long.every))


def _shares(left: Words, right: Words, common: Collection[str]) -> bool:
    """Whether the first word is the same and tells customers apart, or most letters are in shared words."""
    first, other = left.own[0], right.own[0]
    numbers = _numbers(left), _numbers(right)
    if all(numbers) and numbers[0] != numbers[1]:
        return False
    if first not in common and len(first) >= _SHORTEST and _same_word(first, other):
        return True
    if _ratio(left.joined, right.joined) >= _SAME_NAME:
        return True
    shared = [word for word in left.own if word not in common and any(_same_word(word, w) for w in right.own)]
    total = sum(map(len, left.own)) + sum(map(len, right.own))
    return 2 * sum(map(len, shared)) / total >= _SHARED


def _numbers(words: Words) -> list[str]:
    """What is counted apart: `Shop 12` and `Shop 21` are two."""
    return sorted(re.findall("[0-9]+", " ".join(words.own)))


@dataclass(frozen=True)
class Called:
    """A company by the two things that people know it by."""

    identifier: str
    name: str

    @property
    def shown(self) -> str:
        """`Alder Dental (ALDER)`; one of the two where they are the same or one is missing."""
        name, identifier = self.name.strip(), self.identifier.strip()
        if not name or not identifier or name == identifier:
            return name or identifier
        return f"{name} ({identifier})"


class Names:
    """The names of all companies and tenants that were read, to tell which fits whom."""

    def __init__(self, companies: Iterable[Called], tenants: Iterable[str]) -> None:
        self._companies = list(dict.fromkeys(companies))
        of_company = [set(words_of(one.name).own) for one in self._companies]
        of_tenant = [set(words_of(name).own) for name in tenants]
        counts = [Counter(word for words in found for word in words) for found in (of_company, of_tenant)]
        self._common = frozenset(
            word for count in counts for word, customers in count.items() if customers >= COMMON
        )
        self._by_joined: dict[str, list[Called]] = defaultdict(list)
        self._by_word: dict[str, list[Called]] = defaultdict(list)
        for one, words in zip(self._companies, of_company, strict=True):
            for text in {words_of(one.name).joined, words_of(one.identifier).joined} - {""}:
                self._by_joined[text].append(one)
            for word in words - self._common:
                self._by_word[word].append(one)

    def fit(self, tenant: Iterable[str], company: Called) -> Fit:
        """How well any of a tenant's names goes with the company's name or identifier."""
        return max(
            (
                fit(own, text, self._common)
                for own in tenant
                for text in (company.name, company.identifier)
                if own.strip() and text.strip()
            ),
            default=Fit.DIFFERENT,
        )

    def better(self, tenant: Collection[str], company: Called) -> Called | None:
        """The other company that fits a tenant better than its own, and well; the best, None where none does.

        Several that fit equally well are no answer, but for those with exactly the tenant's name.
        """
        ranked = self._ranked(tenant, company)
        for how in (Fit.SAME, Fit.CONTAINED):
            if ranked[how]:
                return ranked[how][0] if how is Fit.SAME or len(ranked[how]) == 1 else None
        return None

    def closer(self, tenant: Collection[str], company: Called) -> list[Called]:
        """Every other company that fits a tenant better than its own, and well."""
        return [called for found in self._ranked(tenant, company).values() for called in found]

    def _ranked(self, tenant: Collection[str], company: Called) -> Mapping[Fit, list[Called]]:
        """The other companies that fit a tenant better than its own, and well, by how well they do."""
        ranked: Mapping[Fit, list[Called]] = defaultdict(list)
        own = self.fit(tenant, company)
        if own is Fit.SAME:
            return ranked
        least = max(own + 1, Fit.CONTAINED)
        for other in self._near(tenant):
            how = max(fit(name, other.name, self._common) for name in tenant if name.strip())
            if how >= least and other.identifier.strip() != company.identifier.strip():
                ranked[how].append(other)
        return ranked

    def _near(self, tenant: Iterable[str]) -> list[Called]:
        """The companies that share a telling word, or the whole name, with a tenant's names."""
        found: dict[Called, None] = {}
        for words in map(words_of, tenant):
            found |= dict.fromkeys(self._by_joined.get(words.joined, ()))
            for word in words.own:
                found |= dict.fromkeys(self._by_word.get(word, ()))
        return list(found)
