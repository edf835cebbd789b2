"""The parts of the benchmarks.

Of scripts/bench_embed.py: rounds (an encoder measured), contenders, theirs, memory, material, figures (and targets).
Of scripts/bench_index.py: lookups (a catalog measured), peers, lookup_child, catalogs, truth, lookup_figures (and targets),
matcher_lookups. Of scripts/bench_page.py: page_life (the page measured, and targets), page_material, browser.
Of all: machine, children, report.
"""
