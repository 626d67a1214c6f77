"""A release of the smart car: signed by both partners, handed to cars only as far as its evidence reaches, rolled out step by step."""
