"""Exploring: which artwork a title shows where more than one could be right, and with what probability. Read `page` first."""
