"""Bytes into ECUs: slots, a journal, bundles of several ECUs, deltas; old or new after any cut of the power, never mixed."""
