"""Bounded conversations over the network: sockets, TLS, lines, names, HTTP."""
