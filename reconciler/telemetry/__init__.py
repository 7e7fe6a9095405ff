"""Logs: structlog, for people on a terminal and as JSON for machines, secrets cut out."""
