"""Examples that run: the demonstration (`make demo`), labelling configs and photographs to try things with."""
