"""Marque: the platform on which a carmaker and a technology partner run a premium smart-car brand together."""

__version__ = "0.1.0"
