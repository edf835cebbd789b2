"""The parts of the benchmarks.

Of scripts/bench_embed.py: rounds (an encoder measured), contenders, theirs, memory, material, figures (and targets).
Of scripts/bench_index.py: lookups (a catalog measured), peers, lookup_child, catalogs, truth, lookup_figures (and targets),
matcher_lookups. Of both: machine, children, report.
"""
