"""Prompts: read from requests and drafts, and those that stand, remembered."""
