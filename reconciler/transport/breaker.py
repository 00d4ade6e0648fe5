"""Stops a run early where going on would only make it worse."""

from __future__ import annotations

from reconciler.transport.errors import (
    ApiError,
    BadAnswer,
    NotAuthenticated,
    NotPermitted,
    RateLimited,
    Unreachable,
    Unsure,
)

FAILURES_IN_A_ROW = 5

#: What a request takes: a permission, and the table that it is about.
Needs = tuple[str, str]


class Breaker:
    """Remembers why no further request makes sense, and says it again instead of sending one.

    One 401 stops everything: repeated wrong keys lock accounts. One 403 stops what needs the same
    permission on the same table, so that a role without one table's right still gets everything else: a
    permission may be given for some tables only. Five requests in a row (each with its retries) without a
    proper answer stop everything.
    """

    def __init__(self) -> None:
        self._stopped: ApiError | None = None
        self._forbidden: dict[Needs, NotPermitted] = {}
        self._in_a_row: list[ApiError] = []

    def check(self, needs: Needs) -> None:
        """Raises the first cause, where there is one for this request."""
        cause = self._stopped or self._forbidden.get(needs)
        if cause is not None:
            raise cause.with_traceback(None)

    def failed(self, needs: Needs, cause: ApiError) -> None:
        """A request ended with this."""
        if isinstance(cause, NotAuthenticated):
            self._stopped = self._stopped or cause
        elif isinstance(cause, NotPermitted):
            self._forbidden.setdefault(needs, cause)
        elif isinstance(cause, Unreachable | RateLimited | BadAnswer | Unsure):
            self._in_a_row.append(cause)
            if len(self._in_a_row) >= FAILURES_IN_A_ROW:
                self._stopped = self._stopped or self._in_a_row[0]
        else:
            self.succeeded()

    def succeeded(self) -> None:
        """The server answered as documented."""
        self._in_a_row.clear()
