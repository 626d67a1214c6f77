"""From a feature model to one formula: every clause knows its rule, and the formula has as many models as there are cars."""
