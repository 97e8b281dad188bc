"""Call dbt, as a library in this process or as a program, and translate its messages."""
