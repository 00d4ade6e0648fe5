"""Writes a plan: checks what it expects to find, sends one request per product, compares the answer."""
