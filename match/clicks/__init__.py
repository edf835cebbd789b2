"""Clicks: from logs of impressions and plays to priors, per segment too, and to what users like of pictures. Read `priors` first."""
