"""Mail servers: one file a server, with what its own log says of its troubles."""
