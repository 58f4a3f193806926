"""Web: requests to Label Studio and other servers, with addresses, tokens and limits, and photographs fetched so."""
