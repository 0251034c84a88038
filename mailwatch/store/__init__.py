"""The store: what must not be forgotten when mailwatch or its host is killed."""
