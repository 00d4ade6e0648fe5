"""A ConnectWise PSA and a Sophos Central Partner to run against on loopback.

It shares no code with the rest of the product, so that it can judge it: what it answers follows the public
descriptions of both APIs, not what our clients happen to send. Where those descriptions are silent, a quirk
(:mod:`reconciler.sandbox.quirks`, ``docs/unknowns.md``) switches between the possible behaviours.
"""
