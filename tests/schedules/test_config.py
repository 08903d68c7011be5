"""Schedules as plain dicts, and back."""

import json

from tests.schedules.test_base import families
from textbook.schedules.config import from_config, to_config


@families
def test_every_schedule_survives_json(schedule):
    assert from_config(json.loads(json.dumps(to_config(schedule)))) == schedule


@families
def test_what_counts_updates_is_saved_without_the_count(schedule):
    assert to_config(schedule.with_updates(7)) == to_config(schedule)
