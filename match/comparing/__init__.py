"""Two snapshots, two checkpoints or two blends beside each other: what is chosen otherwise, for whom, by how much, and why.

Read `flow.py: compare` first. `sides.py` says what can be compared, `outcome.py` opens it, `told.py` has it as plain values.
"""
