"""Plans, outcomes and diagnostics as text and JSON. Renders; decides nothing."""
