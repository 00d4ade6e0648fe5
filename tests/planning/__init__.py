"""From YAML and a site to a plan, through the command line."""
