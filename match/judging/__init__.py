"""Judging: what another policy would have earned on a log, or why the log can't say. Read `verdict` first, then `comparison`."""
