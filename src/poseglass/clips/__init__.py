"""What a model sees: windows over sequences, a person in body sizes, sides put right, mirror images."""
