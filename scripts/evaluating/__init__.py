"""The parts of scripts/evaluate_taste.py and of scripts/evaluate_clicks.py.

retrieval (captions and pictures find each other), genres (posters), choosing (one picture of a title's), histories (MovieLens), gap
(between texts and pictures), seen (artwork that was played), words (tags and lines of copy); each takes `Material` and gives figures.
open_bandit (the off-policy judge) is of the second, and takes `ClickMaterial`.
research reads the data, encodings keeps vectors between runs, users makes profiles the product's way, scores has the statistics,
verdicts words them, plot draws them.
"""
