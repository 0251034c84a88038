"""The black box: one file a thing worth writing down before a restart destroys it."""
