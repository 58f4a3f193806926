"""Label Studio's side of the conversation: labelling configs, requests, regions, brush RLE, images, sessions."""
