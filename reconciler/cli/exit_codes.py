"""What the process says to whoever called it; the same for every command and format."""

DONE = 0  # done, or nothing to do
NO_RESULT = 1  # configuration, network or API
CHANGES = 2  # only with --detailed-exitcode, only where nothing is worse
STOPPED = 3  # stopped by a run guard, nothing written
PARTLY = 4  # a result in which something is blocked, withheld or failed
STALE = 5  # the plan no longer fits what is there; nothing written
USAGE = 64  # the command line itself
INTERRUPTED = 130  # Ctrl-C
TERMINATED = 143  # SIGTERM


def after_signal(number: int) -> int:
    """As shells write it."""
    return 128 + number
