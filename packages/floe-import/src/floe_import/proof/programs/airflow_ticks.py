"""Print the ticks of a year by Airflow's own timetable, as JSON. Runs without floe_import."""

import json
import sys

import pendulum
from airflow.timetables.base import TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable


def main(cron: str, zone: str, year: int) -> None:
    """Print the moments at which a DAG with this schedule runs in a year, in UTC."""
    table = CronTriggerTimetable(cron, timezone=zone)
    start, end = pendulum.datetime(year, 1, 1), pendulum.datetime(year + 1, 1, 1)
    always = TimeRestriction(earliest=start, latest=None, catchup=True)
    found, last = [], None
    while True:
        info = table.next_dagrun_info(last_automated_data_interval=last, restriction=always)
        if info is None or info.run_after >= end:
            break
        found.append(info.run_after.in_timezone("UTC").isoformat())
        last = info.data_interval
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
