"""The verbs of ``reconcile``; the table of them is in ``reconciler.cli.catalogue``."""
