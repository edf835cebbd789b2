"""The scenes: whole pictures of our own making, by what they are about. Each takes a generator and gives a canvas."""
