"""Random queries of DuckDB, from a grammar, and queries with one part of them changed."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

# Each line of a symbol is a way to write it. `p` is table a or made of it, `q` is table b; "own" has
# only `p`. Where the order of rows counts, every column is sorted by.
GRAMMAR = {
    "query": """
        <select>
        with c as <kept> (select * from <p>) select <items> from c p <join><where><tail>
        with c as <kept> (<select>) select * from c
        with c as (<select>), d as (select count(*) as n from c) select c.*, n from c, d
        (select p.id as k, <num> as v from <from>) <set> (select p.amount as k, <num> as v from <from>)
        select * from (<select>) s
    """,
    "kept": "\n\n\nmaterialized\nnot materialized",
    "set": "union\nunion all\nintersect\nexcept\nexcept all",
    "select": """
        select <items> from <from><where><tail>
        select <items> from <from><where><tail>
        select distinct <items> from <from><where>
        select <key> as <name>, <agg> as v from <from><where> group by <grouped><having>
        select <key> as <name>, <agg> as v, <agg> as w from <from> group by all<having>
        select <agg> as <name>, <agg> as w from <from><where>
        select p.* exclude (<col>) from <p><where_own><limit>
        select p.* replace (<own> as <col>), <own> as v from <p>
        select distinct on (<own>) <own> as v, p.id from <p> order by <own>, p.id, p.name, p.amount, p.day
    """,
    "items": """
        <value> as <name>
        <value> as <name>, <text> as w
        <text> as <name>, <value> as v, <value> as w
        p.*, <value> as v
        <value> as <name>, <name> + 1 as v
    """,
    "name": "k\nk\nK\nId\namount\nx",
    "col": "id\nname\namount\nday",
    "from": "<p> <join>",
    "p": """
        main.a p
        main.a p
        (select p.* replace (<own> as amount) from main.a p<where_own>) p
        (select * from main.a p<where_own> order by all limit 3) p
        (select * from main.a p union <all> select * from main.a p<where_own>) p
    """,
    "all": "all\n\n",
    "join": """
        join main.b q on p.id = q.id
        join main.b q on <cond>
        left join main.b q on <cond>
        right join main.b q on p.id = q.id and <cond>
        full join main.b q on p.id = q.id
        cross join main.b q
        , main.b q
    """,
    "where": "\n\n where <cond>",
    "where_own": "\n\n where <own_cond>",
    "tail": """

        <limit>
         qualify row_number() over (partition by <num> order by <order>) <op> 2
         order by <num> <way>, <order> limit 3
    """,
    "limit": "\n order by all<way_> limit 3",
    "way_": "\n desc\n nulls first",
    "way": "asc\ndesc\nasc nulls first\ndesc nulls last",
    "order": "p.id, p.name, p.amount, p.day, q.id, q.x, q.day",
    "key": "<num>\n<text>",
    "grouped": "1\nall\nrollup(1)\ngrouping sets ((1), ())",
    "having": "\n\n having count(*) <op> 2\n having <agg> is not null",
    "op": "=\n<>\n<\n>=",
    "own_cond": "<cond>",
    "own": "<num>\n<text>",
    "cond": """
        <num> <op> <num>
        <text> <op> <text>
        <text> <op> <text> collate nocase
        <num> <not> between <num> and <num>
        <num> <not> in (<num>, 2)
        <num> <not> in (select x from main.b)
        <text> <not> like 'p%'
        <num> is <not> null
        <num> is <not> distinct from <num>
        <not> exists (select 1 from main.b s where s.id <op> <num>)
        <num> <op> any (select x from main.b)
        <num> > all (select s.x from main.b s where s.x <op> 2)
        (<cond> and <cond>)
        (<cond> or <cond>)
        not (<cond>)
        (<cond>) is <not> true
        (<num>, <num>) = (<num>, 2)
    """,
    "not": "\nnot",
    "num": """
        p.id
        p.amount
        q.x
        q.id
        2
        (<num> <sign> <num>)
        abs(<num>)
        round(<num> / 2, <digits>)
        coalesce(<num>, <num>)
        nullif(<num>, <num>)
        greatest(<num>, <num>)
        case when <cond> then <num> else <num> end
        case <num> when <num> then <num> end
        (<num>)::<type>
        length(<text>)
        extract(<unit> from p.day)
        datediff('<unit>', p.day, date '2026-02-02')
        (select <set_of>(s.x) from main.b s)
        (select <set_of>(s.x) from main.b s where s.id <op> <num>)
        list_sum([<num>, <num>]::int[])
        len(list_filter([<num>, 1], lambda e: e <op> 2))
        [<num>, <num>][<digits>]
        ({'k': <num>, 'm': <num>}).<field>
    """,
    "value": """
        <num>
        <num>
        <window>(<num>) over (partition by <num> order by <num> <way>, <order><frame>)
        sum(<num>) filter (where <cond>) over (partition by <num>)
        <ranked> over (order by <num> <way>, <order>)
        <window>(<num>) over (partition by <num> order by <num> <way>, <order><frame>) <sign> <num>
    """,
    "sign": "+\n-\n*\n//\n%",
    "digits": "1\n2",
    "type": "bigint\ndouble\ndecimal(9, 1)\nutinyint",
    "unit": "day\nmonth\nweek",
    "set_of": "max\nmin\ncount\nsum",
    "field": "k\nm",
    "window": "sum\nmin\ncount\nlag\nlead\nfirst_value\nlast_value",
    "ranked": "row_number()\nrank()\nntile(2)\npercent_rank()",
    "frame": """

         rows between 1 preceding and current row
         rows between unbounded preceding and unbounded following
         rows between 1 preceding and 1 following exclude current row
    """,
    "text": """
        p.name
        p.name
        'p'
        upper(<text>)
        (<text> || <text>)
        concat_ws('<mark>', <text>, <text>)
        substr(<text>, <digits>, 1)
        replace(<text>, 'p', '<mark>')
        coalesce(<text>, <text>)
        case when <cond> then <text> else <text> end
        (<num>)::varchar
        strftime(p.day, '<format>')
        lpad(<text>, 4, '<mark>')
        trim(<side> 'p' from <text>)
        regexp_replace(<text>, '[pq]', '<mark>'<flags>)
        to_json({'<key_name>': <num>})::varchar
        date_trunc('<unit>', p.day)::varchar
    """,
    "mark": "-\n+",
    "format": "%d\n%m-%d",
    "side": "leading\ntrailing\nboth",
    "flags": "\n, 'g'",
    "key_name": "Key\nkey\nother",
    "agg": """
        <set_of>(<num>)
        <set_of>(distinct <num>)
        count(*)
        sum(<num>) filter (where <cond>)
        avg(<num>)
        max(<text>)
        string_agg(<text>, '<mark>' order by <text> <way>, <order>)
        array_agg(<num> order by <num> <way>, <order>)::varchar
        quantile_cont(<num>, <share>)
        percentile_disc(<share>) within group (order by <num> <way>)
        arg_max(<num>, <num> order by <order>)
        count_if(<cond>)
        bool_or(<cond>)
        sum(<num>) + <digits>
    """,
    "share": "0.25\n0.5",
}


def _read_ways(text: str) -> list[str]:
    """Return the lines of a text; in a block, without its ends and the indentation."""
    lines = text.split("\n")
    return [line[8:] for line in lines[1:-1]] if text.endswith("\n    ") else lines


_WAYS = {name: _read_ways(text) for name, text in GRAMMAR.items()}
_SYMBOL = re.compile(r"<(\w+)>")
# Deeper than this, the first ways are taken, which are short.
_DEEP = 6


@dataclass
class Phrase:
    """A symbol as it was written: the text around its parts, and the parts."""

    symbol: str
    texts: list[str]
    parts: list[Phrase]

    def __str__(self) -> str:
        written = "".join(map("".join, zip(self.texts, [*map(str, self.parts), ""], strict=True)))
        if not self.symbol.startswith("own"):
            return written
        return written.replace("q.x", "p.amount").replace("q.", "p.")

    def all(self) -> list[Phrase]:
        """Return the phrase and all in it."""
        return [self, *(each for part in self.parts for each in part.all())]


def write_phrase(dice: random.Random, symbol: str = "query", depth: int = 0) -> Phrase:
    """Return a random way to write a symbol."""
    ways = _WAYS[symbol]
    way = dice.choice(ways if depth < _DEEP else ways[:2])
    texts = _SYMBOL.split(way)
    parts = [write_phrase(dice, each, depth + 1) for each in texts[1::2]]
    return Phrase(symbol, texts[::2], parts)


def change_phrase(dice: random.Random, query: Phrase) -> str:
    """Return a query with another random phrase in one place; the query stays."""
    place = dice.choice(query.all())
    kept = (place.texts, place.parts)
    other = write_phrase(dice, place.symbol, _DEEP - 2)
    place.texts, place.parts = other.texts, other.parts
    changed = str(query)
    place.texts, place.parts = kept
    return changed


# What stands in a query, and what may stand there instead.
WORD = re.compile(r"main\.\w+|\w+|'[^']*'|[^\s\w]")


def change_word(dice: random.Random, query: str, words: Sequence[str]) -> str:
    """Return a query with another word, one more, one less, or two that changed places.

    Most of them are no SQL.
    """
    own = list(WORD.finditer(query))
    word = dice.choice(own)
    before, after = query[: word.start()], query[word.end() :]
    if dice.random() < 0.2:
        one, two = sorted((word.span(), dice.choice(own).span()))
        between = query[one[1] : max(one[1], two[0])]
        return query[: one[0]] + query[slice(*two)] + between + query[slice(*one)] + query[two[1] :]
    other = dice.choice(words if dice.random() < 0.7 else own_words(query))
    return dice.choice(
        [before + other + after, f"{before}{other} {word.group()}{after}", before + after]
    )


def own_words(query: str) -> list[str]:
    """Return the words of a query."""
    return WORD.findall(query)
