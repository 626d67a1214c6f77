"""UVL, the Universal Variability Language: read, composed, written."""
