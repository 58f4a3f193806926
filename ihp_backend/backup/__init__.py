"""Backups: one archive of everything that an installation cannot make again, and the way back."""
