"""What export does with each kind of network."""
