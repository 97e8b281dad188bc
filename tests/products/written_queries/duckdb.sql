-- Names and texts of its own
select t.name from main.a as t(k, name, z, w)
select a from main.a a  --: read whole
select a.name, md5(a::varchar) as h from main.a a  --: read whole
select id, struct_pack(n := name, a := amount).n as s from main.a
select id: id, n: name, amount + 1 as m from main.a
from main.a
from main.a where amount > 1
from main.a select id, name
from main.a a join main.b b using (id) select a.id, b.x, a.name
from (from main.a select id, name as n) t select n
select id "of a", name as 'text' from main.a
select "ID", "Name" from main.a
select 'a''b' as q, e'c\n' as e, $$it's -- $$ as d, $t$with $$ in it$t$ as f, id from main.a
select id, name from main.a /* the end's quote */
select id as a, a::varchar as t, id as k, k + amount as s from main.a  --: read whole
select id as amount, amount + 1 as next from main.a
select amount + 1 as amount, main.a.amount as old from main.a
select a.id as "a.id", name from main.a
select memory_free_name.id from main.a as memory_free_name
select struct_name.city from (select place as struct_name from main.e)
select e.place.city as c, place.lat, (e.place).city as d from main.e
select place.* from main.e  --: read whole; not all in lineage
select place['city'] as c, row(e.id, ts)[1] as l from main.e
select (a).name from main.a a  --: read whole; not all in lineage
select a is null as f, b.id from main.b b left join main.a a on a.id = b.x  --: read whole
select count(a) as n, count(b) as m from main.a a left join main.b b on a.id = b.x  --: read whole
select hash(a) = hash(a) as f, to_json(b) as j from main.a a join main.b b using (id)  --: read whole
select struct_extract(a, 'name') as n from main.a a  --: read whole
select {'k': id, 'v': {'n': name, 'a': amount}}.v.n as n from main.a
select row(id, name) as r, struct_pack(k := amount) as s, (id, day) as t from main.a
select unnest({'k': id, 'v': name}) from main.a
select unnest({'k': id, 'v': name}) as s from main.a
select unnest(place), e.id from main.e  --: read whole; not all in lineage
select ts, day from (select e.id, ts, ts::date as day from main.e)
select id as k from main.a where k > 1
select id, id as k from main.a where k > 1
select amount as id, id as k from main.a where id > 1

-- Stars and patterns
select columns('n.*') from main.a
select * replace (amount + 1 as amount) from main.a
select a.* exclude (id), b.x from main.a a join main.b b using (id)
select columns(* exclude (amount)) from main.a
select columns(lambda c: c like 'n%') from main.a
select columns(lambda c: c in ('id', 'day') or starts_with(c, 'na')) from main.a
select columns(lambda c: not c like '%a%' and lower(c) <> 'x') from main.a
select columns(['amount', 'ID']) from main.a
select * like '%a%' from main.a
select * not like '%a%' from main.a
select * ilike 'N%' from main.a
select * not ilike 'N%' from main.a
select * glob 'n*' from main.a
select * similar to 'a.*|id' from main.a
select a.* exclude (amount) like '%a%' from main.a a
select a.* like '%a%' from main.a a join main.b b using (id)
select columns(* exclude (day)) + 1 from main.b
select name, max(columns('id|amount')) from main.a group by name
select min(columns(*)) from main.a
select count(columns(*)) from main.a
select coalesce(columns('id|amount'), 0) from main.a
select max(columns('(i|am)(.*)')) as 'max_\2' from main.a
select columns('id|x') as 'b_\0' from main.b
select columns('id') + 1 as k, x from main.b where x > 1
select columns(a.* exclude (id)) from main.a join main.b on a.id = b.id
select columns('id|x') from main.a join main.b using (id)
select columns('am') as 'a_\0', b.* from main.a join main.b on a.id = b.id
select sum(columns('id|amount')) over (partition by name) from main.a
select columns('id|amount') + columns('id|amount') from main.a
select distinct columns('^n|d') from main.a
select columns('id') from main.a union all select columns('x') from main.b
select id, (select max(columns('x')) from main.b b where b.id = a.id) as m from main.a a
with c as (select columns('id|na.*') from main.a) select name from c
with c as (select max(columns('id|amount')) as 'm_\0', name from main.a group by name) select m_id, name from c
select id, name from main.a where columns('id|amount') > 1  --: read whole
select greatest(*columns('id|amount')) as g, name from main.a  --: read whole
select columns(* replace (amount + 1 as amount)) from main.a  --: read whole; not all in lineage
select columns('[[:alpha:]]*d') from main.a  --: read whole; not all in lineage
select * exclude (amount, day) from main.a
select * exclude amount from main.a  --: read whole
select * rename (amount as value, id as key) from main.a
select * exclude (day) replace (upper(name) as name) rename (id as key) from main.a
select a.* replace (b.x as amount) from main.a a join main.b b on a.id = b.id
select * replace (row_number() over (order by id, name, amount, day) as id) from main.a
select * exclude (x) from main.a join main.b using (id, day)
select * from main.a join main.b using (id)  --: read whole
select * from main.a join main.b on a.id = b.id  --: read whole
select a.id, * exclude (id) from main.a
select *, * exclude (id) rename (name as n, amount as m, day as d) from main.a
select coalesce(*columns(['amount', 'id'])) as c, name from main.a  --: read whole
select concat(*columns(* exclude (day))) as c from main.a  --: read whole
select [*columns('id|amount')] as l, name from main.a  --: read whole
select struct_pack(*columns('id|amount')) as s from main.a  --: read whole
select columns(['id', 'name']) from main.a where amount > 1 order by all limit 3
select columns(lambda c: c <> 'name' and c <> 'day') from main.a
select sum(columns(* exclude (name, day))) filter (where name = 'p') from main.a
select id, max(columns('am')) as m from main.a group by id having m > 1  --: read whole
select * from main.a order by columns('id|name'), amount, day limit 3  --: read whole

-- Joins
select a.name from main.a a semi join main.b b on a.id = b.x
select a.name from main.a a anti join main.b b using (id)
select id, u, name from main.a, lateral (select x as u from main.b where main.b.id = main.a.id) l
select a.id, u from main.a a, (select b.x as u from main.b b where b.id = a.id) l  --: read whole; not all in lineage
select a.id, l.m from main.a a left join lateral (select max(x) as m from main.b b where b.id = a.id) l on true
select a.name, b.x from main.a a asof join main.b b on a.id = b.id and a.day >= b.day  --: read whole
select a.name, b.day from main.a a asof left join main.b b using (id, day)  --: read whole
select a.name, b.x from main.a a positional join main.b b  --: read whole
select name, x from main.a natural join main.b
select * from main.a natural full join main.b
select * exclude (day) from main.a natural left join (select id, x from main.b)
select a.name, b.x from main.a a join main.b b on a.id = b.id or (a.amount is null and b.x is null)
select a.name, c.x from (main.a a join main.b b using (id, day)) join main.b c using (day)
select id, name, x from main.a full join main.b using (id) where id > 1
select id, a.id as i, b.id as j from main.a right join main.b using (id)
select a.id, b.x from main.a a cross join main.b b where a.day = b.day qualify row_number() over (partition by a.id order by b.x, b.id, b.day, a.name, a.amount) = 1
select s.name from main.a s where s.id in (select b.id from main.b b semi join main.a c on c.amount = b.x)
select a.name, b.x from main.a a left join main.b b on a.id = b.id and b.x = (select max(x) from main.b)
select name, v from main.a join (values (1, 'x'), (2, 'y')) t(k, v) on k = id
select main.a as r, v.col1 as w from main.a join (values ('x', 1), ('y', 2)) v on v.col1 = amount  --: read whole; not all in lineage
select id, v.col1 as w from main.a join (values ('x', 1), ('y', 2)) v on v.col1 = amount
select name from main.a join main.b using (id) join main.e using (id)

-- Groups
select name, sum(amount) as s from main.a group by all
select name, sum(amount) as s from main.a group by all order by s limit 2
select id, sum(amount) as s from main.a group by rollup (id)
select id, name, count(*) as n, grouping(id, name) as g from main.a group by cube (id, name)
select id, name, sum(amount) as s, grouping_id(id) as g from main.a group by grouping sets ((id), (name), ())
select name, id % 2 as r, count(*) as n from main.a group by name, rollup (r)
select id as k, name, count(*) as n from main.a group by k, name
select name, id + 1 as k, max(amount) as m from main.a group by all having m > 1 order by all
select upper(name) as u, amount, 1 + sum(id) as s from main.a group by all
select arg_max(name, amount order by id) as n, max(day) as d from main.a
select string_agg(name, ',' order by amount, id, name) as s from main.a
select id, list(name order by amount, name, day) as l, list(distinct name order by name) as d from main.a group by id
select id, array_agg(amount order by day desc nulls last, name, amount) filter (where amount > 1) as l from main.a group by id  --: read whole
select name, min_by(id, amount order by id, day) as m, max(day, 2) as d from main.a group by name
select quantile_cont(amount, [0.25, 0.75]) as q, median(id) as m, mode(name order by name) as o from main.a
select percentile_disc(0.5) within group (order by amount desc) as p from main.a  --: read whole
select histogram(amount) as h, approx_count_distinct(name) as n, bit_xor(id) as x from main.a
select name, sum(amount) as s, any_value(id order by id) as v, count_if(amount > 1) as c from main.a group by name
select first(name order by id, name, amount, day) as f, last(amount order by id, name, amount, day) as l from main.a
select bool_and(amount > 1) as e, bool_or(name = 'p') as s, product(id) as p, sum_no_overflow(amount) as o from main.a
select amount as name, sum(id) as s from main.a group by amount, main.a.name
select name, amount as k, k + 1 as n, sum(id) as s from main.a group by all
select map_from_entries(list((id, name) order by id, name, amount, day)) is null as f from main.a where id < 0
select name, sum(amount) as s from main.a group by 'x', name
select name, count(distinct (id, amount)) as n from main.a group by name
select sum(amount) filter (where id in (select id from main.b where x > 1)) as s, count(*) as c from main.a
select id, listagg(name, '+' order by name, amount, day) as l from main.a group by id

-- Distinct, order and limit
select distinct on (id) id, name, amount from main.a order by id, amount desc, name, day  --: read whole
select distinct on (name) id from main.a order by name, id, amount, day  --: read whole
select id, name from main.a order by all limit 2
select id, name, amount, day from main.a order by all desc nulls first limit 40%
select id, name from main.a order by id, name, amount, day limit 2 offset 1
select id from main.a order by name collate nocase, id, amount, day limit 3
select id from main.a order by len(name), hash(name), id, amount, day limit 3
select id as day, name from main.a order by day, name limit 3
select id, name from main.a order by #2, #1, amount, day limit 2  --: read whole; not all in lineage
select distinct id, name from main.a order by 2, 1 limit 3
select distinct id, name from main.a order by 2, +1, id limit 3  --: read whole
select id from main.a using sample 3
select id from main.a tablesample reservoir(50%) repeatable (1)
select id, row_number() over () as r from main.a
select id, rowid as r from main.a
select id, name from main.a order by (select max(x) from main.b where id = amount), id, name, amount, day limit 2
select name from main.a limit (select min(x) from main.b)
select max(amount) as m, min(id order by name) as i from main.a limit 1

-- Set operations
select id from main.a except all select x from main.b
select id from main.a intersect all select x from main.b
select id, name from main.a union by name select x as id, day from main.b
select id, name from main.a union all by name select id, x as name2 from main.b
select id, max(name) from main.a group by id union all by name select id, x from main.b  --: read whole; not all in lineage
select name as k, id from main.a union all by name select id, day as d from main.b
(select id, name from main.a order by all limit 2) union all (select x, 'b' from main.b)
select k, max(v) as m from (select id as k, amount as v from main.a union select id, x from main.b) group by k
select id from main.a union (select x from main.b except select amount from main.a)
from main.b union all by name from (select id, day from main.a)
select * from main.b union all select id, amount, day from main.a
select * exclude (day) from main.b union select amount, id from main.a
select id, name from main.a union all select * from (values (1, 'x'))  --: read whole

-- CTEs
with c as (select id, name, row_number() over (partition by id order by day, amount) as r from main.a) select id, name from c where r = 1
with c as materialized (from main.a), d as (from c select id, name as n) from d select n
with recursive c(n) using key (n) as (select id from main.a union select n + 1 from c where n < 3) select n from c  --: read whole
with recursive c as (select id, amount from main.a union select id + 1, amount from c where id < 4) select max(amount) as m from c  --: read whole
with main_a as (select id, x as amount from main.b), a as (select id from main_a) select a.id, b.x from a join main.b b on a.id = b.x
with b as (select id, amount as x from main.a) select b.id, c.x from b join main.b c on b.id = c.id
with c as (select id from main.a), c2 as (select (select count(*) from c) as n, x from main.b) select x, n from c2
with e as (select *, amount * 2 as d from main.a) select d, (with e as (select x from main.b) select max(x) from e) as m from e

-- Subqueries
select name, amount from main.a where amount >= all (select x from main.b)
select id, array(select x from main.b b where b.id = a.id order by x) as l from main.a a
select id, amount = any (select x from main.b b where b.id = a.id) as f from main.a a
select id, amount <> all (select x from main.b where x is not null) as f from main.a
select id, (select b from main.b b where b.id = a.id order by x, day limit 1) as r from main.a a  --: read whole
select id, (select {'x': max(x), 'd': min(day)} from main.b b where b.id = a.id).x as m from main.a a
select id, (id, name) in (select id, 'p' from main.b) as f from main.a
select id, (select list(x order by x, day) from main.b where id = a.id)[1] as f from main.a a
select id, exists (from main.b where x = amount) as f from main.a
select id, (select count(*) from main.b where exists (select 1 from main.e where e.id = main.b.id and e.id = a.id)) as n from main.a a
select id, case when (select max(x) from main.b) > amount then name end as c from main.a
select name, sum((select max(x) from main.b where main.b.id = a.id)) as s from main.a a group by name
select id, (select sum(amount) from main.a c where c.id = a.id) as s from main.a a
select (select max(amount) from main.a where name = b.day::varchar) is null as f, x from main.b b
select id, amount in (from (values (1), (2))) as f from main.a
select id, list_sum(array(select x from main.b)) as s from main.a

-- Windows
select id, name from main.a qualify count(*) over (partition by amount) = 1
select id, case when amount > 1 then name else 'z' end as c, count(*) over (partition by name) as n from main.a qualify n > 1
select id, sum(amount) over (order by day range between interval 2 days preceding and current row) as s from main.a
select id, sum(amount) over (partition by name order by id rows between unbounded preceding and current row exclude ties) as s from (select distinct id, name, sum(amount) as amount from main.a group by id, name)
select id, first_value(amount ignore nulls) over (order by id, name, amount, day) as f, lag(name, 1, 'none' ignore nulls) over (order by id, name, amount, day) as l from main.a
select id, last_value(name order by amount, id, name, day) over (partition by id) as l, rank(order by amount) over (order by id) as r from main.a
select id, fill(id) over (order by id) as f from main.a
select id, list(name order by amount, id, name, day) over (partition by id) as l from main.a
select id, sum(amount) filter (where name = 'p') over w as s, avg(amount) over w as m from main.a window w as (partition by id)
select id, arg_max(name, amount order by id, name, day) over (partition by day) as n from main.a
select id, count(distinct name) over (partition by id) as n from main.a
select id, sum(amount) over (order by id rows between amount preceding and current row) as s from main.a where amount is not null and id < 0  --: read whole
select id, name, row_number() over (partition by name order by amount desc nulls last, id, day) as r from main.a qualify r = 1  --: read whole
select name, sum(amount) as s, rank() over (order by sum(amount), name) as r from main.a group by name qualify r < 3
select id, nth_value(name, 2) over w as n, ntile(3) over w as t, cume_dist() over w as c from main.a window w as (order by id, name, amount, day), v as (order by day)
select id, max(amount) over (order by id groups between 1 preceding and 1 following exclude group) as m from main.a

-- Pivots
pivot main.a on name in ('p', 'q') using sum(amount) group by id  --: read whole
pivot main.a on name using sum(amount) group by id  --: read whole; not all in lineage
pivot main.a on name in ('p') using max(amount) as m, count(*) as n group by id  --: read whole
select * from (pivot (select id, name, amount from main.a) on name in ('p', 'q') using sum(amount))
select p.p, p.id from (select id, name, amount from main.a) pivot (sum(amount) for name in ('p', 'q')) p
from main.a pivot (max(amount) for name in ('p', 'q') group by id)  --: read whole
with c as (pivot main.a on id in (1, 2) using count(*) group by name) select name, "1" as one from c  --: read whole
unpivot main.b on x, id into name k value v  --: read whole
unpivot (select id, amount, x from main.a join main.b using (id)) on amount, x into name k value v
from main.b unpivot (v for k in (id, x))  --: read whole
from main.a unpivot (id for k in (amount))  --: read whole
from main.b unpivot include nulls (v for k in (id as 'the id', x))  --: read whole
unpivot main.a on columns(* exclude (name, day)) into name k value v  --: read whole; not all in lineage
select k, sum(v) as s from (unpivot main.b on x, id into name k value v) group by k  --: read whole

-- Lists, structs, maps and lambdas
select id, unnest([amount, id]) as u from main.a
select id, u from main.a, unnest([amount, id]) t(u)
select id, list_transform([amount], lambda v: v + id) as l from main.a
select id, list_filter([amount, id], lambda v: v > 1) as l, list_reduce([id, amount], lambda p, q: p + q) as r from main.a
select id, [v + id for v in [amount, 1] if v > 1] as l from main.a
select id, list_transform([1, 2], lambda amount: amount + id) as l from main.a
select id, list_transform([amount, id], lambda v, i: v * i) as l from main.a
select e.id, list_apply(tags, lambda t: t || place.city) as l from main.e
select e.id, tags[1] as f, tags[-1] as l, tags[1:2] as s, len(tags) as n from main.e
select e.id, t from main.e, unnest(tags) u(t)  --: not all in lineage
select e.id, u.unnest as t from main.e, unnest(e.tags) u  --: not all in lineage
select e.id, unnest(tags) as t, generate_subscripts(tags, 1) as i from main.e  --: not all in lineage
select e.id, t.t from main.e left join lateral (select unnest(e.tags) as t) t on true  --: not all in lineage
select e.id, list_contains(tags, 'p') as f, 'q' in tags as g, tags && ['p'] as h, list_has_any(tags, ['q']) as i from main.e
select e.id, tags || ['z'] as l, list_sort(tags) as s, list_distinct(tags) as d, array_to_string(tags, '-') as j from main.e
select e.id, (select string_agg(t, '+' order by t) from unnest(tags) u(t)) as s from main.e
select e.id, map {'k': place.lat, 'j': e.id}['k'] as m, map_keys(map([e.id], [tags])) as k from main.e
select e.id, struct_insert(place, z := e.id).z as z, struct_extract(place, 'city') as c from main.e  --: not all in lineage
select e.id, list_zip(tags, [e.id]) as z, list_aggregate(tags, 'max') as m, array_length(tags) as n from main.e
select e.id, unnest([place, {'city': 'x', 'lat': e.id}]).city as c from main.e  --: not all in lineage
select e.id, unnest(place, recursive := true) from main.e  --: read whole; not all in lineage
select s.city, n from (select place as s, count(*) as n from main.e group by 1)
select e.id, union_value(k := place.city) as u from main.e
select list_value(id, amount) as l, [id, amount][1] as f, array_value(id, 2) as a from main.a
select id, g from main.a, generate_series(1, id) t(g)
select id, unnest(range(amount)) as r from main.a  --: not all in lineage
select id, unnest(generate_series(1, amount)) as g, amount from main.a  --: not all in lineage
select g, name from generate_series(1, 3) t(g) left join main.a on g = id
select range as r, name from range(3) join main.a on range = id
select list(s order by s.k, s.v) as l from (select {'k': id, 'v': name} as s from main.a)
select max({'k': amount, 'v': name}).v as v from main.a  --: not all in lineage
select e.id, tags = ['p', 'q'] as f, place = {'city': 'p', 'lat': 1} as g, place.city in ('p', 'r') as h from main.e
select e.id, coalesce(place, {'city': 'none', 'lat': 0}).city as c from main.e
select e.id, case when place.lat > 1 then place else {'city': 'z', 'lat': e.id} end.city as c from main.e  --: not all in lineage

-- JSON
select e.id, doc ->> '$.k' as k, doc -> 't' as t, doc ->> ['$.k', '$.s.u'] as l from main.e  --: read whole
select e.id, json_extract_string(doc, '$.k') as k, json_array_length(doc, '$.t') as n, json_type(doc) as y from main.e
select e.id, json_array_length(doc -> 't') as n, length(doc ->> '$.k') as l from main.e
select e.id, coalesce(doc ->> '$.s.u', 'none') as u, (doc ->> 'k')::int + 1 as k from main.e  --: read whole
select e.id, upper(doc ->> '$.s.u') as u, cast(doc ->> '$.k' as int) as k, concat(doc ->> 'k', 'x') as c from main.e  --: read whole
select max(doc ->> '$.k') as m, list(doc -> 'k' order by e.id, ts) as l from main.e  --: read whole
select e.id, unnest(from_json(doc -> 't', '["varchar"]')) as t from main.e  --: not all in lineage
select e.id, json_keys(doc) as k, json_contains(doc, '"p"') as f, json_merge_patch(doc, '{"z": 1}') as m from main.e
select e.id, doc.k as k, doc.s.u as u, doc['k'] as l from main.e
select json_group_array(name) is null as j, count(*) as n from main.a
select e.id, json_transform(doc, '{"k": "integer"}').k as k from main.e
select e.id, j.value as v from main.e, json_each(e.doc, '$.t') j
select to_json({'n': name, 'a': amount}) ->> 'n' as n, json_object('k', id) as o, json_array(id, name) as l from main.a  --: read whole

-- Texts, numbers and times
select id::varchar as t, try_cast(name as int) as n, cast(amount as decimal(9, 1)) as d, name::blob as b from main.a
select id, name ~ 'p|q' as f, regexp_matches(name, '^p') as g, name !~ 'p' as h, name similar to 'p.*' as i from main.a
select id, regexp_extract(name, '(p)', 1) as e, regexp_replace(name, '[pq]', 'x', 'g') as r, name ^@ 'p' as s from main.a
select id, name ilike 'P%' as f, name glob 'p*' as g, name not similar to 'q' as h from main.a
select id, greatest(amount, id, 2) as g, least(amount, id) as l, amount // 2 as q, amount ** 2 as p from main.a
select id, ifnull(amount, 0) as i, if(amount > 1, name, 'z') as f, nullif(name, 'p') as n, coalesce(amount, id) as c from main.a
select id, day + interval 1 month as m, day - interval (amount) day as d, day + amount as p, age(day, date '2026-01-01') as a from main.a
select id, extract(week from day) as w, date_part('dow', day) as d, date_trunc('week', day) as t, strftime(day, '%d.%m') as s from main.a
select id, date_diff('day', day, date '2026-02-01') as d, last_day(day) as l, make_date(2026, id, 1) as m from main.a where id > 0 and id < 5
select e.id, ts at time zone 'Europe/Paris' as z, epoch(ts) as p, time_bucket(interval '2 hours', ts) as b, ts::time as t from main.e
select id, format('{}-{}', name, amount) as f, printf('%d', id) as p, concat_ws('-', name, amount) as c, name || id as n from main.a
select id, name[1] as f, name[1:1] as s, left(name, 1) as l, lpad(name, 3, '*') as p, reverse(name) as r, string_split(name, 'p') as t from main.a
select id, position('p' in name) as p, substring(name from 1 for 1) as s, trim(both 'p' from name) as t, overlay('abc' placing 'x' from 1) is null as o from main.a where false  --: read whole
select id, amount between 1 and id as f, amount is not distinct from id as g, name collate nocase = 'P' as h from main.a
select id, amount & 1 as b, amount | id as o, xor(amount, id) as x, amount << 1 as l, ~amount as n, id! as f from main.a where id > 0  --: read whole
select id, sqrt(amount) as r, round(amount / 3, 2) as d, bar(amount, 0, 4, 4) as b, hash(name) % 7 as h from main.a
select id, typeof(amount) as t, alias(name) as n, error('no') is null as e from main.a where false
select id, name.upper().lower() as u, [id, amount].list_sum() as s from main.a  --: read whole; not all in lineage
select id, upper(name).lower() as u, list_transform([amount], lambda v: v.abs() + id) as l from main.a  --: read whole; not all in lineage
select id, coalesce(name, 'p').replace('p', day::varchar).upper() as u from main.a  --: read whole; not all in lineage
select id, a.name.length() as n, (amount).abs() as s from main.a  --: read whole; not all in lineage
select id, case name when 'p' then amount when 'q' then id else -1 end as c, not amount > 1 as n from main.a
select id, 1_000 as k, 1e3 as e, date '2026-01-02' as d, interval '1 day' as i, true as t from main.a

-- What may vary
select id, random() as r, name from main.a
select id, current_date - day as d from main.a
select id, uuid() as u, now() as n from main.a
