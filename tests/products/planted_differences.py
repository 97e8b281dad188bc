"""Differences planted by plain SQL, with what has to be told of each: the truth of the tests.

A difference is a name, statements that change `theirs.t`, which begins as a copy of `ours.t`, and
what is told. `{…}` stands for a type's name as a warehouse writes it.
"""

from __future__ import annotations

from dataclasses import dataclass

ROWS = 200
PAIRED = "contents differ in how the columns' values are paired"


@dataclass(frozen=True)
class Planted:
    """One difference. `told` are the sentences, in their order."""

    name: str
    statements: tuple[str, ...]
    told: tuple[str, ...]


def _cell(name: str, column: str, value: str, row: int = 7) -> Planted:
    # DuckDB leaves a cell as it is that equals the new value, as 0.0 does -0.0.
    changes = (
        f"update theirs.t set {column} = (select {column} from ours.t where id = 100) "
        f"where id = {row}",
        f"update theirs.t set {column} = (select {value} from ours.t where id = {row}) "
        f"where id = {row}",
    )
    return Planted(name, changes, (f"contents differ in {column}",))


COLUMNS = "id, n, name, note, amount, ratio, moment, wall, day, flag, span, clock, single"
# In row 1 a NULL, in row 2 an empty text or a zero, in row 3 NaN.
ROW = """
    select cast(i as integer) as id,
    cast(case when i = 1 then null when i = 2 then 0 else i * 3 end as integer) as n,
    'name ' || i as name,
    case when i = 1 then null when i = 2 then '' else 'note ' || i end as note,
    cast(case when i = 1 then null else i / 4.0 end as decimal(12, 2)) as amount,
    cast(case when i = 1 then null when i = 2 then '0' when i = 3 then 'NaN' when i = 4
        then 'Infinity' else '0.1' end as double precision) as ratio,
    cast('2026-10-25 00:30:00+00' as timestamptz) + i * interval '1 minute' as moment,
    cast('2026-10-25 00:30:00' as timestamp) + i * interval '1 minute' as wall,
    cast('2026-02-28' as date) as day,
    case when i = 1 then null else i % 2 = 0 end as flag,
    i * interval '1 month' as span, cast('12:00:00+00' as time with time zone) as clock,
    cast(case when i = 2 then 0 else 0.5 end as real) as single,
"""
ON = {
    "duckdb": "['x' || i, 'y'] as tags, {'of': i::double - 2} as payload, encode('b' || i) as bytes, "
    "'a' as tail from range(1, 201) r(i)",
    "postgres": "array['x' || i, 'y'] as tags, jsonb_build_object('of', i) as payload, "
    "convert_to('b' || i, 'UTF8') as bytes, 1.5 as tail from generate_series(1, 200) r(i)",
}
TYPES = {
    "duckdb": {
        "integer": "INTEGER",
        "bigint": "BIGINT",
        "decimal2": "DECIMAL(12,2)",
        "decimal3": "DECIMAL(12,3)",
        "moment": "TIMESTAMP WITH TIME ZONE",
        "wall": "TIMESTAMP",
    },
    "postgres": {
        "integer": "integer",
        "bigint": "bigint",
        "decimal2": "numeric(12,2)",
        "decimal3": "numeric(12,3)",
        "moment": "timestamp with time zone",
        "wall": "timestamp without time zone",
    },
}

CELLS = (
    _cell("a number", "n", "n + 1"),
    _cell("zero for NULL", "n", "0", row=1),
    _cell("NULL for zero", "n", "cast(null as integer)", row=2),
    _cell("a letter", "name", "'nane 7'"),
    _cell("a letter's case", "name", "'Name 7'"),
    _cell("a trailing blank", "name", "name || ' '"),
    _cell("a leading blank", "name", "' ' || name"),
    _cell("a no-break space", "name", "replace(name, ' ', chr(160))"),
    _cell("a character of no width", "name", "name || chr(8203)"),
    _cell("a decomposed character", "name", "'e' || chr(769)"),
    _cell("a carriage return", "name", "name || chr(13)"),
    _cell("an empty text for NULL", "note", "''", row=1),
    _cell("NULL for an empty text", "note", "null", row=2),
    _cell("the word NULL", "note", "'NULL'", row=1),
    _cell("a cent", "amount", "amount + 0.01"),
    _cell("a zero amount for NULL", "amount", "0", row=1),
    _cell("minus zero", "ratio", "cast('-0.0' as double precision)", row=2),
    _cell("NaN for NULL", "ratio", "cast('NaN' as double precision)", row=1),
    _cell("zero for NaN", "ratio", "0", row=3),
    _cell("minus infinity", "ratio", "cast('-Infinity' as double precision)", row=4),
    _cell("a float's last bit", "ratio", "cast('0.10000000000000002' as double precision)"),
    _cell("an hour of time zone", "moment", "moment + interval '1 hour'"),
    _cell("a microsecond", "moment", "moment + interval '1 microsecond'"),
    _cell("a wall clock's microsecond", "wall", "wall + interval '1 microsecond'"),
    _cell("a day", "day", "cast('2026-03-01' as date)"),
    _cell("a flag", "flag", "not flag"),
    _cell("false for NULL", "flag", "false", row=1),
    _cell("thirty days for a month", "span", "interval '30 days'", row=1),
    _cell("a summer time", "clock", "cast('13:00:00+01' as time with time zone)"),
    _cell("a single float's zero", "single", "cast('-0.0' as real)", row=2),
)

ROWS_AND_COLUMNS = (
    Planted(
        "a row less",
        ("delete from theirs.t where id = 9",),
        (f"{ROWS} rows on ours, {ROWS - 1} on theirs",),
    ),
    Planted(
        "a row twice",
        ("insert into theirs.t select * from theirs.t where id = 9",),
        (f"{ROWS} rows on ours, {ROWS + 1} on theirs",),
    ),
    Planted(
        "a row twice in place of another",
        (
            "delete from theirs.t where id = 10",
            "insert into theirs.t select * from theirs.t where id = 12",
        ),
        ("contents differ in id, n, name, note, amount, moment, wall, span, tags, payload, bytes",),
    ),
    Planted("no rows", ("delete from theirs.t",), (f"{ROWS} rows on ours, 0 on theirs",)),
    Planted(
        "two cells whose sum stays",
        (
            "update theirs.t set n = n + 1 where id = 9",
            "update theirs.t set n = n - 1 where id = 11",
        ),
        ("contents differ in n",),
    ),
    Planted(
        "two rows that swap a cell",
        ("update theirs.t set n = case id when 9 then 33 else 27 end where id in (9, 11)",),
        (PAIRED,),
    ),
    Planted(
        "two columns that swap a cell",
        ("update theirs.t set name = note, note = name where id = 9",),
        ("contents differ in name, note",),
    ),
    Planted(
        "a type",
        ("alter table theirs.t alter column n type bigint",),
        ("n is {integer} on ours, {bigint} on theirs",),
    ),
    Planted(
        "a decimal's scale",
        ("alter table theirs.t alter column amount type decimal(12, 3)",),
        ("amount is {decimal2} on ours, {decimal3} on theirs",),
    ),
    Planted(
        "a time zone",
        ("alter table theirs.t alter column moment type timestamp",),
        ("moment is {moment} on ours, {wall} on theirs",),
    ),
    Planted(
        "a column less", ("alter table theirs.t drop column note",), ("no column note on theirs",)
    ),
    Planted(
        "a column more",
        ("alter table theirs.t add column more integer",),
        ("no column more on ours",),
    ),
    Planted(
        "another name",
        ("alter table theirs.t rename column note to remark",),
        ("no column remark on ours", "no column note on theirs"),
    ),
    Planted(
        "columns in another order",
        (
            f"create table theirs.other as select tail, bytes, payload, tags, {COLUMNS} "
            "from theirs.t",
            "drop table theirs.t",
            "alter table theirs.other rename to t",
        ),
        ("columns in another order on theirs",),
    ),
    Planted("no table", ("drop table theirs.t",), ("no table on theirs",)),
)

ON_DUCKDB = (
    _cell("a list's order", "tags", "[tags[2], tags[1]]"),
    _cell("a list's NULL", "tags", "[tags[1], null]"),
    _cell("the word NULL in a list", "tags", "['NULL', 'NULL']", row=1),
    Planted(
        "a minus zero within",
        (
            "create or replace table theirs.t as select * replace ({'of': case id when 2 "
            "then cast('-0.0' as double) else payload.of end} as payload) from ours.t",
        ),
        ("contents differ in payload",),
    ),
    _cell("a field within", "payload", "{'of': 8.0}"),
    _cell("a byte", "bytes", "'\\x09'::blob"),
    Planted(
        "an enum for a text",
        ("alter table theirs.t alter column tail type enum('a', 'b')",),
        ("tail is VARCHAR on ours, ENUM('a', 'b') on theirs",),
    ),
)

ON_POSTGRES = (
    _cell("a list's order", "tags", "array[tags[2], tags[1]]"),
    _cell("a list's NULL", "tags", "array[tags[1], null]"),
    _cell("the word NULL in a list", "tags", "array['NULL', 'NULL']", row=1),
    _cell("a field within", "payload", "'{\"of\": 8}'::jsonb"),
    _cell("a decimal within", "payload", "'{\"of\": 7.0}'::jsonb"),
    _cell("a byte", "bytes", "'\\x09'::bytea"),
    _cell("a free decimal's scale", "tail", "1.50"),
    Planted(
        "a text's length",
        ("alter table theirs.t alter column name type varchar(40)",),
        ("name is text on ours, character varying(40) on theirs",),
    ),
)
