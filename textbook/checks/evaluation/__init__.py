"""Losses at many slightly changed weights at once, and which of their kinks changed sides, on each backend."""
