"""Formulas compiled once and asked often: d-DNNF, and SAT where there is none."""
