"""Pacemaker's configuration and status as XML (a CIB), read into the nouns of the model."""
