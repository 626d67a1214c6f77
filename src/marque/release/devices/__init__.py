"""What cars talk to: their registration, the director of each, deltas, our own endpoint, and hawkBit's for clients that know no other."""
