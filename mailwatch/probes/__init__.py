"""Probes: one file a protocol, each reading like its conversation."""
