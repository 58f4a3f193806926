"""Label Studio's side of the conversation: requests, configs, photographs, clicks, masks, answers."""
