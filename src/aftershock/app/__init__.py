"""Wires the pure core to files, clocks and the journal: the only place that does; it never prints and never exits."""
