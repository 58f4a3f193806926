"""Training: Lightning modules and data modules that join network, loss, data and simulated clicks."""
