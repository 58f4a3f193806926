"""What is asked of Label Studio and of other servers: photographs and the API, with addresses, tokens and limits."""
