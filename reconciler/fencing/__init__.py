"""Fencing: drivers that speak to fence devices, and the topology that proves a node off."""
