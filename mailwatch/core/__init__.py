"""The pure core: values in, values out; no socket, clock, thread, file or log."""
