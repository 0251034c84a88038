"""`mailwatch doctor`: one file a check, each finding with its cure."""
