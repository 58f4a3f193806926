"""Ends with status 0 if the server in this container answers /health: what HEALTHCHECK asks."""

import http.client
import os
import sys

# Not urllib, which would ask a proxy where one is set.
connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("IHP_PORT", "9090")), timeout=4)
try:
    connection.request("GET", "/health")
    sys.exit(connection.getresponse().status != 200)
except OSError as error:
    sys.exit(str(error))
