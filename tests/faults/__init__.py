"""Faults of the machine, the network and the disk: the server stays up, loses nothing and says what is wrong."""
