"""Two repositories and a vehicle: what the director asks for is installed only as far as the image repository's signers stand for it."""
