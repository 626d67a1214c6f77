"""Worlds in which the driving system drives: traffic, scenarios, the judge, replays."""
