"""Lets `python3 -m mailwatch` do what the mailwatch command does."""

from mailwatch.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
