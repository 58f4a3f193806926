"""The demonstration behind `make demo`: Label Studio and the backend, connected, with photographs to click on.

`settings` says where things live, `processes` starts and stops servers, `label_studio` knows how Label Studio 1.23.2
wants to be started, `client` talks to its API, `project` sets the project up, `proof` sends one click through it all.
The contract tests use the same pieces.
"""
