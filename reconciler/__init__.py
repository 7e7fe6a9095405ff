"""A declarative reconciler for high-availability Linux clusters."""
