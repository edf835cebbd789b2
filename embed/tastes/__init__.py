"""Tastes: what users watched and say of themselves, to phrases a person can read and to vectors. Read `users` first: it is the flow."""
