"""What a workflow does beyond calling the other commands: tested Python, not shell in YAML.

None of this was tried against github.com or Azure: it was written from the pages that the docstrings name,
and tested against small stand-ins. Where a page leaves something open, the code checks it and says what it
found.
"""
