"""What `scripts/simulate_clicks.py` simulates beside impressions."""
