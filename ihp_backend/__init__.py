"""IHP Backend: click-driven human parsing for Label Studio. The rooms are described in docs/architecture.md."""

import os

__version__ = "0.2.0"

# From Linux too, ONNX Runtime reports to its maker what it runs and keeps an identifier in the home folder, unless this
# is set before anything imports it. A server that is forked afterwards hangs when it ends. Set to 0, it stays as it is.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
