"""Configuration: file, flags and environment become one frozen Config, or every mistake at once."""
