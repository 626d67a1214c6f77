"""What runs tell of risk: numbers in, numbers out. It knows no files, no runs, no verdicts in words."""
