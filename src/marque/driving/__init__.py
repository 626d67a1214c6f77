"""The self-driving system: map → perceive → predict → plan → guard → act."""
