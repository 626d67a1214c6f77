"""Every car that may be built, and only those: feature models, exact configuration, prices, parts, software, technology supply."""
