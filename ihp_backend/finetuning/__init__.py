"""Fine-tuning: from accepted annotations to a better version of the model, and through the gate or not."""
