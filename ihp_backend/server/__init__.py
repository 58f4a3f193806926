"""The Flask application that Label Studio calls, and its gunicorn settings."""
