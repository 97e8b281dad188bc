"""Find the rows that differ between two tables, which may be in separate warehouses.

Each warehouse hashes its rows into buckets by key, and sums the hashes of each bucket. For buckets
that differ, the hashes of the rows are fetched, a limited number at a time, and compared here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from floe_core.warehouse.dialect import Relation
from floe_core.warehouse.warehouse import Warehouse

BUCKETS = 4096
# The most rows, of both tables, whose hashes are fetched at once, unless one bucket has more.
ROWS_AT_ONCE = 200_000

Hashes = tuple[int, ...]
Rows = dict[int, Counter[Hashes]]


@dataclass(frozen=True)
class HashedTable:
    """A table whose rows are identified by the hash of a key, or of the whole row if `key` is ().

    `columns` maps the names of the compared columns to their types, the same in both tables.
    """

    warehouse: Warehouse
    relation: Relation
    columns: Mapping[str, str]
    key: tuple[str, ...]

    @property
    def values(self) -> list[str]:
        """The columns that are not part of the key; none if the whole row is the key."""
        return [name for name in sorted(self.columns) if self.key and name not in self.key]

    def buckets(self) -> dict[int, tuple[int, int]]:
        """Return bucket -> number of rows and sum of their hashes, read in one scan."""
        dialect = self.warehouse.dialect
        found = self.warehouse.rows(
            f"select {dialect.bucket('k', BUCKETS)}, count(*), {dialect.total('r')} "
            f"from {self._select_hashes()} group by 1"
        )
        return {int(bucket): (int(rows), int(total)) for bucket, rows, total in found}

    def rows_in(self, buckets: Iterable[int]) -> Rows:
        """Return hash of the key -> hashes of the values -> number of such rows."""
        columns = ", ".join(["k", *self._hash_names()])
        dialect = self.warehouse.dialect
        bucket = dialect.bucket("k", BUCKETS)
        # As text: not every driver reads unsigned 64-bit numbers.
        shown = ", ".join(dialect.text(name) for name in ["k", *self._hash_names()])
        found: Rows = defaultdict(Counter)
        for key, *hashes, count in self.warehouse.rows(
            f"select {shown}, count(*) from {self._select_hashes()} "
            f"where {bucket} in ({_join_numbers(buckets)}) group by {columns}"
        ):
            found[int(key)][tuple(map(int, hashes))] += int(count)
        return found

    def texts(self, keys: Iterable[int]) -> dict[int, dict[str, str | None]]:
        """Return hash of the key -> column -> value as text, for one row of each key."""
        wanted = _join_numbers(keys)
        if not wanted:
            return {}
        names = [*self.columns]
        text = self.warehouse.dialect.text
        texts = ", ".join(text(f"t{number}") for number in range(len(names)))
        found = self.warehouse.rows(
            f"select {text('k')}, {texts} from {self._select_hashes(with_values=True)} "
            f"where k in ({wanted})"
        )
        return {int(key): dict(zip(names, values, strict=True)) for key, *values in found}

    def _hash_names(self) -> list[str]:
        places = {name: f"h{number}" for number, name in enumerate(sorted(self.columns))}
        return [places[name] for name in self.values]

    def _select_hashes(self, with_values: bool = False) -> str:
        """Return a subquery with the hashes of the key (k), of the row (r) and of each column."""
        dialect = self.warehouse.dialect
        names = sorted(self.columns)
        hashes = {name: f"h{number}" for number, name in enumerate(names)}
        inner = [
            f"{dialect.value_hash(dialect.quote_name(name), self.columns[name])} as {hashes[name]}"
            for name in names
        ]
        outer = [*hashes.values()]
        if with_values:
            values = [f"t{number}" for number in range(len(self.columns))]
            inner += [
                f"{dialect.quote_name(n)} as {t}" for n, t in zip(self.columns, values, strict=True)
            ]
            outer += values
        key = dialect.row_hash([hashes[name] for name in self.key or names])
        return (
            f"(select {key} as k, {dialect.row_hash([*hashes.values()])} as r, {', '.join(outer)} "
            f"from (select {', '.join(inner)} from {dialect.place(self.relation)}{dialect.fence}) "
            f"as valued{dialect.fence}) as hashed"
        )


@dataclass
class RowDifferences:
    """Counts of rows that are on one side only or changed, and of changed cells by column.

    A row changed if both sides have its key with different values. The three lists hold hashes of
    keys, as samples of each kind.
    """

    only_left: int = 0
    only_right: int = 0
    changed: int = 0
    by_column: Counter[str] = field(default_factory=Counter)
    left_keys: list[int] = field(default_factory=list)
    right_keys: list[int] = field(default_factory=list)
    changed_keys: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.only_left or self.only_right or self.changed)


def row_differences(left: HashedTable, right: HashedTable, samples: int) -> RowDifferences:
    """Return the differences of two tables, with at most `samples` keys of each kind.

    Scans each table once for the buckets, and once for every 200,000 rows in buckets that differ.
    """
    found = RowDifferences()
    for buckets in _chunks(left.buckets(), right.buckets()):
        ours, theirs = left.rows_in(buckets), right.rows_in(buckets)
        for key in sorted(ours.keys() | theirs.keys()):
            kind = _count(found, ours.get(key, Counter()), theirs.get(key, Counter()), left.values)
            if kind is not None and len(kind) < samples:
                kind.append(key)
    return found


def _chunks(
    left: Mapping[int, tuple[int, int]], right: Mapping[int, tuple[int, int]]
) -> Iterator[list[int]]:
    """Yield the buckets that differ, in chunks that can be fetched at once."""
    chunk: list[int] = []
    rows = 0
    for bucket in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(bucket, (0, 0)), right.get(bucket, (0, 0))
        if ours == theirs:
            continue
        if chunk and rows + ours[0] + theirs[0] > ROWS_AT_ONCE:
            yield chunk
            chunk, rows = [], 0
        chunk.append(bucket)
        rows += ours[0] + theirs[0]
    if chunk:
        yield chunk


def _count(
    found: RowDifferences, ours: Counter[Hashes], theirs: Counter[Hashes], names: Sequence[str]
) -> list[int] | None:
    """Count the rows of one key: equal rows are removed first, then the others are paired.

    Returns the list that the key belongs to, None if its rows are equal.
    """
    left, right = ours - theirs, theirs - ours
    paired = min(left.total(), right.total())
    for one, two in zip(left.elements(), right.elements(), strict=False):
        found.by_column.update(n for n, a, b in zip(names, one, two, strict=True) if a != b)
    found.changed += paired
    found.only_left += left.total() - paired
    found.only_right += right.total() - paired
    if paired:
        return found.changed_keys
    if left:
        return found.left_keys
    return found.right_keys if right else None


def _join_numbers(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
