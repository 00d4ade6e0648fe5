"""The nouns: what is wanted, what is there, what a plan says and how it went. Imports nothing of ours."""
