"""Experiments: which arm is better and what works in which audience, from logs, with errors that hold. Read `trial` first."""
