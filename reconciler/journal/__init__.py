"""The journal of this machine: what its controllers did, one JSON line for each entry.

It is for people and for ``reconcile history``. What must outlive a controller is kept on the
nodes; nothing is decided from this file.
"""
