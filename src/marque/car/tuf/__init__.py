"""The Update Framework, client's side: metadata read strictly, and trusted only by its workflow (TUF specification 1.0.33, 5)."""
