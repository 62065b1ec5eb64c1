"""The cost of a model: FLOPs, time and memory, and the published figures."""
