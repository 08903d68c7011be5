"""`python -m chapters`: the whole book."""

from textbook.experiment.command_line import main

if __name__ == "__main__":  # the processes that measure import this module again
    raise SystemExit(main(__package__))
