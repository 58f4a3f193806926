"""Web: requests to Label Studio and other servers (addresses, tokens, limits), and the photographs they fetch."""
