"""dbt, as a library in this process or as a program: called, parsed, listened to."""
