"""Ends with status 0 if the server in this container answers /health: what HEALTHCHECK asks."""

import http.client
import os
import ssl
import sys

# Not urllib, which would ask a proxy where one is set.
place = "127.0.0.1", int(os.environ.get("IHP_PORT", "9090"))
connection = http.client.HTTPConnection(*place, timeout=4)
if os.environ.get("IHP_CERTIFICATE_FILE"):
    # Its certificate is for the name that others know, and nobody else answers here.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(*place, timeout=4, context=context)
try:
    connection.request("GET", "/health")
    sys.exit(connection.getresponse().status != 200)
except OSError as error:
    sys.exit(str(error))
