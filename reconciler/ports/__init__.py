"""What the controller needs of the world: small protocols that the adapters implement."""
