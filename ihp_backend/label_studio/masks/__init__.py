"""Label maps to Label Studio's regions and back."""
