"""Label Studio's API: one client for all who ask it, and what is asked of it about predictions."""
