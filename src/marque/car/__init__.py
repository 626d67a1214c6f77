"""What runs in the vehicle: the updater, which decides by itself what it installs. Starts as `marque-car`, without the server's code."""
