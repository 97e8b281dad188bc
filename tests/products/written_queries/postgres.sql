-- Names and texts of its own
select "id", "name" as "Name" from main.a
select $$it's a -- text$$ as t, $q$with $$ in it$q$ as u, id from main.a
select E'a\nb' as t, U&'\0061' as u, B'101' as b, id from main.a
select id /* outer /* inner ' */ still */, name from main.a
select a.id "of a", name n from main.a
select t.name from main.a as t(k, name, z, w)
select t.k, t.amount from main.a as t(k)
select (a).id as i, (a).name from main.a a  --: read whole; not all in lineage
select a from main.a a  --: read whole
select a.name, md5(a::text) as h from main.a a  --: read whole
select row_to_json(a) ->> 'name' as n from main.a a  --: read whole
select id, (t).k as k from (select id, row(amount, name) as r, amount as k from main.a) t
select a.*::text as t from main.a a  --: read whole; not all in lineage
select count(a) as n, count(a.*) as m from main.a a left join main.b on a.id = b.x  --: read whole
select a is null as f, a.id from main.b left join main.a on a.id = b.x  --: read whole
select to_jsonb(b) - 'day' as j from main.b b  --: read whole
select name(a) as n, id from main.a a  --: read whole
select id, a.num_nulls as n from main.a a  --: read whole
select b.count as n from main.b b  --: read whole

-- Casts, operators and functions
select id::text as t, amount::numeric(5, 1) as n, name::varchar(1) as v, cast(day as timestamp) as d from main.a
select id, name ~ '^p' as f, name !~* 'Q' as g, name ~* 'P' as h from main.a
select id, name similar to '(p|q)%' as f, name not ilike 'P%' as g from main.a
select id, amount between symmetric 3 and 1 as f from main.a
select id, name from main.a where amount not between symmetric id and 2
select id, greatest(amount, id, 2) as g, least(amount, id) as l from main.a
select id, day + interval '1 month' as m, day - date '2026-01-01' as n, day + 3 as d from main.a
select id, extract(day from day) as d, date_part('week', day) as w, date_trunc('week', day) as t from main.a
select e.id, ts at time zone 'UTC' at time zone 'Europe/Paris' as z from main.e
select e.id, to_char(ts, 'YYYY-MM-DD') as t, age(ts, timestamp '2026-01-01') as g from main.e
select e.id, (ts, interval '1 day') overlaps (timestamp '2026-01-02', timestamp '2026-01-03') as f from main.e
select id, position('p' in name) as p, overlay(name placing 'x' from 1 for 1) as o, substring(name from 1 for 1) as s, trim(both 'p' from name) as t from main.a
select id, split_part(name || '-x', '-', 1) as s, lpad(name, 3, '*') as l, initcap(name) as i, left(name, 1) as f from main.a
select id, regexp_replace(name, '[pq]', 'x', 'g') as r, substring(name from '[pq]') as s from main.a
select id, translate(name, 'pq', 'xy') as t, reverse(name) as r, md5(name) as m, ascii(name) as c from main.a
select id, format('%s-%s', name, amount) as f, concat(name, amount) as c, concat_ws(',', name, id) as w from main.a
select id, amount ^ 2 as p, |/ amount as r, @ (amount - 2) as a, amount # 1 as x, amount << 1 as s from main.a
select id, name is not distinct from 'p' as f, (id, amount) is distinct from (1, 2) as g from main.a
select id, (amount, name) = (1, 'p') as f, row(id, amount) < row(2, 1) as g from main.a
select id, width_bucket(amount, 0, 4, 2) as w, mod(amount, 2) as m, ceil(amount / 2.0) as c, div(amount, 2) as d from main.a
select id, num_nulls(name, amount) as n, num_nonnulls(name, amount) as m from main.a
select id, case when amount > 1 then name else 'z' end collate "C" as c from main.a
select id, (amount > 1) is unknown as f, name isnull as g, name notnull as h from main.a
select id, name in ('p', 'q') as f, name <> all (array['p', 'r']) as g, amount = any ('{1,2}'::int[]) as h from main.a
select id, make_date(2026, amount + 1, 1) as d, justify_hours(interval '30 hours' * amount) as i from main.a

-- Groups
select id, sum(amount) as s from main.a group by rollup (id)
select id, name, count(*) as n, grouping(id, name) as g from main.a group by cube (id, name)
select id, name, sum(amount) as s from main.a group by grouping sets ((id), (name), ())
select id, name, sum(amount) as s from main.a group by id, rollup (name)
select name, id, count(*) as n from main.a group by grouping sets ((name, id), rollup (id))
select name, percentile_cont(0.5) within group (order by amount) as p, mode() within group (order by amount desc) as m from main.a group by name
select percentile_disc(array[0.25, 0.75]) within group (order by amount) as p from main.a
select rank(2) within group (order by amount) as r from main.a
select id, array_agg(name order by amount desc, name, day) as l, string_agg(distinct name, ',' order by name) as s from main.a group by id
select array_agg(amount order by id, amount, name, day) filter (where name = 'p') as l from main.a
select bool_and(amount > 1) as e, bool_or(name = 'p') as s, every(id > 0) as v from main.a
select json_agg(name order by id, name, amount, day) as j, jsonb_object_agg(id, amount order by name, amount, day) as o from main.a
select (array_agg(name order by id, amount, name, day))[1] as n from main.a
select corr(amount, id) as c, regr_slope(amount, id) as s, stddev(amount) as d, var_pop(id) as v, bit_or(amount) as b from main.a where id > 1
select name, count(*) as n from main.a group by distinct rollup (name), rollup (name)
select a.name, count(*) filter (where b.x > 1) as n from main.a a left join main.b b using (id) group by a.name having count(b.*) > 0
select name n, sum(amount) from main.a group by n  --: read whole; not all in lineage
select name as amount, sum(id) as s from main.a group by amount, name
select amount + 1 as id, count(*) as n from main.a group by id, amount

-- Distinct, order and limit
select distinct on (id) id, name, amount from main.a order by id, amount desc, name, day  --: read whole
select distinct on (name) id, amount from main.a order by name, id, amount, day  --: read whole
select distinct on (id + 1, name) day from main.a order by id + 1, name, amount, day  --: read whole
select id, name from main.a order by id, name, amount, day fetch first 2 rows only
select id, name from main.a order by amount offset 1 row fetch next 2 rows with ties
select id from main.a order by amount using >, id, name, day limit 2  --: read whole
select id from main.a order by name collate "C" desc nulls last, id, amount, day limit 3
select id, name from main.a order by id, name, amount, day limit all offset 2
select id as amount, name from main.a order by amount, name, day limit 3
select name, amount from main.a order by -amount, name, id, day limit 3
select id, name from main.a tablesample system (100)
select id, name from main.a tablesample bernoulli (50) repeatable (1)

-- Joins and sources
select id, u, name from main.a, lateral (select x as u from main.b where main.b.id = main.a.id) l
select a.id, l.m from main.a a left join lateral (select max(x) as m from main.b b where b.id = a.id) l on true
select a.id, l.x from main.a a cross join lateral (select x from main.b b where b.id < a.id order by x, id, day limit 1) l
select a.id, l.v from main.a a, lateral (values (a.amount), (a.id)) l(v)  --: read whole; not all in lineage
select a.id, g from main.a a, generate_series(1, a.amount) g  --: not all in lineage
select a.id, g.n from main.a a, generate_series(1, a.amount) as g(n)  --: not all in lineage
select id, generate_series(1, amount) as g from main.a  --: not all in lineage
select id, unnest(array[amount, id]) as u from main.a
select id, u from main.a, unnest(array[amount, id]) t(u)
select id, u, o from main.a, unnest(array[amount, id]) with ordinality t(u, o)  --: not all in lineage
select id, u, v from main.a, unnest(array[amount, id], array[name]) t(u, v)
select e.id, unnest from main.e, unnest(tags)  --: not all in lineage
select e.id, t from main.e left join unnest(tags) t on true  --: not all in lineage
select e.id, t.tag from main.e, unnest(e.tags) as t(tag) where t.tag <> 'q'
select v.k, a.name from main.a a join (values (1, 'x'), (2, 'y')) as v(k, w) on v.k = a.id and v.w <> 'y'
select id, name, x from (main.a join main.b using (id)) as j  --: read whole; not all in lineage
select j.id, j.x from (main.a join main.b using (id)) j where j.x > 1  --: read whole; not all in lineage
select id, u.id as k, x from main.a join main.b using (id) as u  --: read whole
select a.id from main.a a join main.b b on (a.id, a.day) = (b.id, b.day)
select * from rows from (generate_series(1, 2), generate_series(2, 3)) as t(p, q), main.b  --: read whole
select only_b.x from only main.b as only_b
table main.a
select * from (table main.b) t where t.x > 1

-- Set operations
select id from main.a except all select x from main.b
select id from main.a intersect all select x from main.b
(select id from main.a union select x from main.b) except select amount from main.a
(select id, name from main.a order by amount, id, name, day limit 2) union all (select x, 'b' from main.b)
select id, name from main.a union all (select id, 'b' from main.b order by x, id, day limit 1) order by 2, 1
select id from main.a union all (select x from main.b intersect select amount from main.a)
values (1, 'x'), (2, 'y') union all select id, name from main.a  --: read whole; not all in lineage
select id, null as n from main.a union select x, day from main.b

-- CTEs
with recursive c(id, n) as (select id, amount from main.a union select c.id, c.n - 1 from c where c.n > 0) select * from c  --: read whole
with recursive c as (select id, name, 1 as depth from main.a where amount = 1 union all select a.id, a.name, c.depth + 1 from main.a a join c on a.id = c.id + 1 where c.depth < 4) search depth first by id, name set path select id, depth from c  --: read whole
with c as materialized (select * from main.a), d as not materialized (select id, name as k from c) select k from d
with recursive c as (select id from main.a), d as (select id + 1 as k from c) select k from d  --: read whole

-- Subqueries
select id, array(select x from main.b b where b.id = a.id order by x) as l from main.a a
select name, amount from main.a where amount >= all (select x from main.b)
select name, amount from main.a where amount = some (select x from main.b where id > 1)
select id, amount < any (select x from main.b) as f from main.a
select id, (select b from main.b b where b.id = a.id order by x, day limit 1) is null as f from main.a a  --: read whole
select id, (a.id, a.name) in (select id, 'p' from main.b) as f from main.a a
select id, row(id, amount) = (select id, x from main.b order by id, x, day limit 1) as f from main.a
select name, (select sum(amount) from main.b where b.id = 1 and b.x = 2) as s from main.a where id = 0 group by name
select id, (select max(x) as amount from main.b where id = amount) as m from main.a  --: not all in lineage
select id, exists (select from main.b where b.id = a.amount) as f from main.a

-- Windows
select id, sum(amount) over (order by day range between interval '2 days' preceding and current row) as s from main.a
select id, sum(amount) over w as s, avg(amount) over (w rows 1 preceding) as m from main.a window w as (partition by name order by id, amount, day)
select id, sum(amount) over (order by id groups 1 preceding exclude ties) as s from main.a
select id, array_agg(name) over (order by id, name, amount, day) as l from main.a
select distinct name, count(*) over (partition by name) as n from main.a
select name, sum(count(*)) over () as t, first_value(name) over (order by max(amount), name) as f from main.a group by name

-- JSON and arrays
select e.id, doc -> 't' as t, doc ->> 'k' as k, doc #>> '{s,u}' as u, doc #> '{t,0}' as f from main.e
select e.id, doc @> '{"k": 1}' as f, doc ? 's' as g, doc ?| array['s', 'x'] as h, doc - 't' as r from main.e
select e.id, (doc ->> 'k')::int + 1 as k, jsonb_array_length(doc -> 't') as n, doc['k'] as s from main.e
select e.id, t from main.e, jsonb_array_elements_text(doc -> 't') t
select e.id, key, value from main.e, jsonb_each(doc)
select e.id, r.k, r.s from main.e, jsonb_to_record(doc) as r(k int, s jsonb)
select e.id, jsonb_path_query(doc, '$.t[*]') as p from main.e  --: not all in lineage
select e.id, doc @? '$.s' as f, jsonb_path_exists(doc, '$.k ? (@ > 1)') as g from main.e
select jsonb_build_object('i', id, 'n', name) ->> 'n' as n, json_build_array(id, amount) -> 0 as f from main.a
select e.id, tags[1] as t, tags[1:2] as s, array_length(tags, 1) as n, cardinality(tags) as c, array_to_string(tags, '-') as j from main.e
select e.id, tags || array['z'] as l, 'p' = any (tags) as f, tags @> array['p'] as g, tags && array['q'] as h, array_position(tags, 'q') as p from main.e
select e.id, tags <> '{}' as f, array_append(tags, doc ->> 'k') as l, array_remove(tags, 'p') as r from main.e
select array[id, amount] as l, array[[id], [amount]] as m, (array[name, 'z'])[2] as z from main.a
select e.id, (select string_agg(t, '+' order by t) from unnest(tags) t) as s from main.e
select e.id, to_jsonb(tags) as j, jsonb_set(doc, '{k}', to_jsonb(e.id)) as s from main.e

-- What may vary
select id, ctid as c from main.a
select id, now() > day as f from main.a
select id, random() as r, name from main.a
select id, current_date - day as d from main.a
select id, to_tsvector('english', name) @@ 'p'::tsquery as f from main.a
