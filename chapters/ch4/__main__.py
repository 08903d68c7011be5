"""`python -m chapters.ch4`: the figures and verdicts of chapter 4."""

from textbook.experiment.command_line import main

if __name__ == "__main__":
    raise SystemExit(main(__package__))
