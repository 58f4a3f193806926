"""Parts of ``training.reproduce``: methods, the runs they need, the tables and figures made from the runs."""
