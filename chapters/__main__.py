"""`python -m chapters`: the whole book."""

from textbook.experiment.command_line import main

raise SystemExit(main(__package__))
