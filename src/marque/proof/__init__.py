"""How safe a release is, per vehicle model and cell of its design domain; sealed so that a third party can check it without us."""
