"""`python -m chapters`: the whole book."""

from textbook.experiment.command_line import main

if __name__ == "__main__":
    raise SystemExit(main(__package__))
