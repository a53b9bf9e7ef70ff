"""`python -m studio`."""

from studio.cli import run

run()
