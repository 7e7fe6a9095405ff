"""Transports: how a node's executor is reached, and how its words become the model's."""
