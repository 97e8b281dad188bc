"""Differences planted by each warehouse's own driver, a table for each: the truth of the tests."""

from __future__ import annotations

from dataclasses import dataclass

ROWS = 20
SERIES = " union all ".join(f"select {number} as id" for number in range(1, ROWS + 1))


@dataclass(frozen=True)
class Planted:
    """A table of `id` and `v`, and what another one has in the place of the 7th value.

    `ours` and `theirs` are SQL of a value by `id`, of the type `kind` unless that is "".
    """

    name: str
    kind: str
    ours: str
    theirs: str

    def tables(self, name: str) -> list[str]:
        """Return statements that make both."""
        value = f"case when id = 7 then {self.theirs} else {self.ours} end"
        return [
            _table("ours", name, f"{self._cast(self.ours)} as v"),
            _table("theirs", name, f"{self._cast(value)} as v"),
        ]

    def _cast(self, value: str) -> str:
        return f"cast({value} as {self.kind})" if self.kind else value


def _table(schema: str, name: str, columns: str, rest: str = "") -> str:
    return f"create table {schema}.{name} as select id, {columns} from ({SERIES}) s {rest}"


def _of_all(
    text: str,
    real: str,
    blank: str,
    number: str = "int",
    amount: str = "decimal(12, 2)",
) -> list[Planted]:
    """`blank` is SQL of a no-break space; the others are types that may be NULL."""
    return [
        Planted("a number", number, "id * 3", "id * 3 + 1"),
        Planted("NULL for a number", number, "id", "null"),
        Planted("zero for NULL", number, "null", "0"),
        Planted("a letter", text, "'name'", "'nane'"),
        Planted("a letter's case", text, "'name'", "'Name'"),
        Planted("a trailing blank", text, "'name'", "'name '"),
        Planted("a leading blank", text, "'name'", "' name'"),
        Planted("a no-break space", text, "'a b'", f"'a' || {blank} || 'b'"),
        Planted("a decomposed character", text, "'\u00e9'", "'e\u0301'"),
        Planted("an empty text for NULL", text, "null", "''"),
        Planted("NULL for an empty text", text, "''", "null"),
        Planted("the word NULL", text, "null", "'NULL'"),
        Planted("a cent", amount, "1.75", "1.76"),
        Planted("a float's last bit", real, "'0.1'", "'0.10000000000000002'"),
        Planted("minus", real, "id * 0.5", "-3.5"),
    ]


def _of_floats(real: str) -> list[Planted]:
    return [
        Planted("minus zero", real, "'0.0'", "'-0.0'"),
        Planted("NaN for NULL", real, "null", "'NaN'"),
        Planted("zero for NaN", real, "'NaN'", "'0'"),
        Planted("minus infinity", real, "'Infinity'", "'-Infinity'"),
    ]


_OTHERS = [
    Planted("a day", "date", "'2026-02-28'", "'2026-03-01'"),
    Planted("a flag", "boolean", "true", "false"),
    Planted("false for NULL", "boolean", "null", "false"),
    Planted("a microsecond", "timestamp", "'2026-10-25 00:30:00'", "'2026-10-25 00:30:00.000001'"),
]
PLANTED = {
    "sqlite": [
        *_of_all("text", "real", "char(160)"),
        Planted("a text for a number", "", "1", "'1'"),
        Planted("a real for a whole number", "", "1", "1.0"),
        Planted("a blob for a text", "", "'a'", "x'61'"),
        Planted("a digit beyond a float's", "", "9007199254740993", "9007199254740992"),
        Planted("the largest number", "", "9223372036854775807", "9223372036854775806"),
        Planted("minus infinity", "", "9e999", "-9e999"),
        Planted("NULL for infinity", "", "9e999", "null"),
        Planted("a character beyond 16 bits", "text", "'\U0001f600'", "'\U0001f601'"),
        Planted("a microsecond", "text", "'2026-10-25 00:30:00'", "'2026-10-25 00:30:00.000001'"),
        Planted("an empty blob for NULL", "blob", "null", "x''"),
        Planted("a zero byte more", "blob", "x'00'", "x'0000'"),
        Planted("a byte", "blob", "x'0801'", "x'0802'"),
    ],
    "clickhouse": [
        *_of_all(
            "Nullable(String)",
            "Nullable(Float64)",
            "char(194, 160)",
            "Nullable(Int64)",
            "Nullable(Decimal(12, 2))",
        ),
        *_of_floats("Nullable(Float64)"),
        Planted("a day", "Date", "'2026-02-28'", "'2026-03-01'"),
        Planted("a flag", "Nullable(Bool)", "true", "false"),
        Planted("false for NULL", "Nullable(Bool)", "null", "false"),
        Planted(
            "a microsecond",
            "DateTime64(6)",
            "'2026-10-25 00:30:00.000000'",
            "'2026-10-25 00:30:00.000001'",
        ),
        Planted("an hour", "DateTime('UTC')", "'2026-10-25 00:30:00'", "'2026-10-25 01:30:00'"),
        Planted("the largest number", "UInt64", "18446744073709551615", "18446744073709551614"),
        Planted("a wide number", "Int256", "toInt256(2)", "toInt256(3)"),
        Planted("a digit", "UUID", f"'{'0' * 8}-0000-4000-8000-{'0' * 12}'", "generateUUIDv4()"),
        Planted("a word of few", "LowCardinality(String)", "'new'", "'old'"),
        Planted("a list's order", "Array(String)", "array('a', 'b')", "array('b', 'a')"),
        Planted("NULL in a list", "Array(Nullable(String))", "array('', 'b')", "array(null, 'b')"),
        Planted("a field within", "Tuple(a Int64)", "tuple(1)", "tuple(2)"),
        Planted("a value of a map", "Map(String, Int64)", "map('a', 1)", "map('a', 2)"),
        Planted("an address", "IPv4", "'127.0.0.1'", "'127.0.0.2'"),
    ],
    "snowflake": [*_of_all("varchar", "double", "chr(160)"), *_of_floats("double"), *_OTHERS],
    "spark": [
        *_of_all("string", "double", "char(160)"),
        *_of_floats("double"),
        *_OTHERS,
        Planted("a single float's zero", "float", "'0.0'", "'-0.0'"),
        Planted("a byte", "binary", "'a'", "'b'"),
        Planted("a list's order", "array<string>", "array('a', 'b')", "array('b', 'a')"),
        Planted(
            "the word null in a list", "array<string>", "array('a', null)", "array('a', 'null')"
        ),
        Planted("a field within", "struct<a: int>", "struct(1)", "struct(2)"),
        Planted("a value of a map", "map<string, int>", "map('a', 1)", "map('a', 2)"),
        Planted("a minus zero within", "array<double>", "array(0.0D)", "array(-0.0D)"),
    ],
}
# By name: the second table, and what `floe diff --data` says of the pair beside its columns.
OTHERWISE = {
    "a row less": (_table("theirs", "{0}", "id * 3 as v", "where id <> 9"), {"only_left": 1}),
    "a row twice": (
        f"{_table('theirs', '{0}', 'id * 3 as v')} union all select 9, 27",
        {"only_right": 1},
    ),
    "a column more": (
        _table("theirs", "{0}", "id * 3 as v, 1 as more"),
        {"columns": ["no column more on ours"]},
    ),
    "a column less": (
        f"create table theirs.{{0}} as select id from ({SERIES}) s",
        {"columns": ["no column v on theirs"]},
    ),
}
SAME = {
    "another order of rows": _table("theirs", "{0}", "id * 3 as v", "order by id desc"),
    "nothing": _table("theirs", "{0}", "id * 3 as v"),
}


def ours(name: str) -> str:
    """Return the statement that makes the first table of a pair of `OTHERWISE` or `SAME`."""
    return _table("ours", name, "id * 3 as v")
