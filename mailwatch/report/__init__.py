"""The HTML report: what happened over a span of time, in one file that needs nothing else."""
