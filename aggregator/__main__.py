"""`python -m aggregator` is `aggregator`."""

from aggregator.cli import main

main()
