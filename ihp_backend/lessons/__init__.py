"""What the worker does with accepted work: events become the ledger, the ledger photographs with label maps."""
