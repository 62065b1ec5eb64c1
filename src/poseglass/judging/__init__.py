"""Evaluate models: metrics, protocols, reports, and comparison with the papers."""
