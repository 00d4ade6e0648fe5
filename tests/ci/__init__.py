"""The steps of workflows, against a stand-in for GitHub."""
