"""A cluster of real nodes on one machine: executors, addresses, power, BMCs, and faults to inject."""
