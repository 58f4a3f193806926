"""The contract with Label Studio 1.23.2, checked with the real server, the real editor and the real backend."""
