"""A desired state as a shell script of ``pcs`` commands."""
