"""What a model costs: FLOPs, time, memory, and the papers beside them."""
