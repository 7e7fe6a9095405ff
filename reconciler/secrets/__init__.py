"""Secrets: read where they are used, kept nowhere, cut out of whatever is printed."""
