"""The mutations that start and stop a schedule of a running Dagster."""

START = """
mutation FloeStart($selector: ScheduleSelector!) {
  startSchedule(scheduleSelector: $selector) {
    __typename
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""
STOP = """
mutation FloeStop($id: String!) {
  stopRunningSchedule(id: $id) {
    __typename
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""
