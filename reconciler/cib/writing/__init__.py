"""Desired and observed state as a CIB: the counterparts of the readers beside this package."""
