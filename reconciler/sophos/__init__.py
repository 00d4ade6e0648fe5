"""The Sophos Central Partner client: tenants, billing usage, firewall licences. Reads only."""
