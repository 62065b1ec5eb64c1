"""Training clips from motion capture: other bodies, virtual cameras, a simulated 2D detector."""
