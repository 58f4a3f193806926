"""Annotations: from events, drafts, lists and exports of Label Studio to what is accepted, as label maps."""
