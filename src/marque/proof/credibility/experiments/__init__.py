"""What is measured of the simulator: each module runs one part of it and makes a `Section` of what it finds."""
