"""Puts the helpers of this folder (oracle, small models, a naive compiler) within reach of the tests below it."""
