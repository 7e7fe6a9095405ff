"""fencing."""
