"""What an annotation team's accepted work becomes: for now the durable inbox of events."""
