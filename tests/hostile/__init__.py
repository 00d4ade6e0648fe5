"""Input by somebody who means harm, or by an accident that looks like it."""
