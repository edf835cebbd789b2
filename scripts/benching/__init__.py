"""The parts of scripts/bench_embed.py: rounds (an encoder measured), contenders, memory, machine, material, figures (and targets)."""
