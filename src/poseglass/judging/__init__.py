"""How good a model is: metrics, protocols, reports, and the papers beside them."""
