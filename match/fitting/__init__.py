"""Fitting: what a unit of similarity, of people and of words is worth, out of a log of choices. Read `flow` first."""
