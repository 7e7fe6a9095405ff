"""The command line: one module for each verb, imported when that verb is used.

Everything is put together in ``compose``; what goes to a terminal goes through ``terminal``.
"""
