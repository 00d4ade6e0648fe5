"""The HTTP session: authorization, limits, retries by verb, and reads that cannot write."""
