"""What ``training.reproduce`` is made of: methods, the runs they need, the tables and figures made from the runs."""
