-- duckdb
select id, coalesce(nullif(name, 'p'), cast(id as varchar(9))) as n from main.a
select -amount as m, +id as p, amount * 2 - id as d, amount % 2 as r from main.a
select id, name || '-' || cast(amount as varchar(9)) as n from main.a
select cast(amount as varchar(3)) as s, cast(id as double precision) as f from main.a
select id from main.a order by amount desc nulls last, id, name, day limit 3
with recursive c(n, s) as (select id, amount from main.a union all select n + 1, s from c where n < 4) select n, s from c
with recursive c as (select 1 as n union all select n + 1 from c where n < 3) select n, name from c join main.a on id = n
select a from main.a a
select a.name, md5(a::varchar) as h from main.a a
select id as a, a::varchar as t, id as k, k + amount as s from main.a
select place.* from main.e
select (a).name from main.a a
select a is null as f, b.id from main.b b left join main.a a on a.id = b.x
select count(a) as n, count(b) as m from main.a a left join main.b b on a.id = b.x
select hash(a) = hash(a) as f, to_json(b) as j from main.a a join main.b b using (id)
select struct_extract(a, 'name') as n from main.a a
select unnest(place), e.id from main.e
select id, name from main.a where columns('id|amount') > 1
select greatest(*columns('id|amount')) as g, name from main.a
select columns(* replace (amount + 1 as amount)) from main.a
select columns('[[:alpha:]]*d') from main.a
select * exclude amount from main.a
select * from main.a join main.b using (id)
select * from main.a join main.b on a.id = b.id
select coalesce(*columns(['amount', 'id'])) as c, name from main.a
select concat(*columns(* exclude (day))) as c from main.a
select [*columns('id|amount')] as l, name from main.a
select struct_pack(*columns('id|amount')) as s from main.a
select id, max(columns('am')) as m from main.a group by id having m > 1
select * from main.a order by columns('id|name'), amount, day limit 3
select a.id, u from main.a a, (select b.x as u from main.b b where b.id = a.id) l
select a.name, b.x from main.a a asof join main.b b on a.id = b.id and a.day >= b.day
select a.name, b.day from main.a a asof left join main.b b using (id, day)
select a.name, b.x from main.a a positional join main.b b
select main.a as r, v.col1 as w from main.a join (values ('x', 1), ('y', 2)) v on v.col1 = amount
select id, array_agg(amount order by day desc nulls last, name, amount) filter (where amount > 1) as l from main.a group by id
select percentile_disc(0.5) within group (order by amount desc) as p from main.a
select distinct on (id) id, name, amount from main.a order by id, amount desc, name, day
select distinct on (name) id from main.a order by name, id, amount, day
select id, name from main.a order by #2, #1, amount, day limit 2
select distinct id, name from main.a order by 2, +1, id limit 3
select id, max(name) from main.a group by id union all by name select id, x from main.b
select id, name from main.a union all select * from (values (1, 'x'))
with recursive c(n) using key (n) as (select id from main.a union select n + 1 from c where n < 3) select n from c
with recursive c as (select id, amount from main.a union select id + 1, amount from c where id < 4) select max(amount) as m from c
select id, (select b from main.b b where b.id = a.id order by x, day limit 1) as r from main.a a
select id, sum(amount) over (order by id rows between amount preceding and current row) as s from main.a where amount is not null and id < 0
select id, name, row_number() over (partition by name order by amount desc nulls last, id, day) as r from main.a qualify r = 1
pivot main.a on name in ('p', 'q') using sum(amount) group by id
pivot main.a on name using sum(amount) group by id
pivot main.a on name in ('p') using max(amount) as m, count(*) as n group by id
from main.a pivot (max(amount) for name in ('p', 'q') group by id)
with c as (pivot main.a on id in (1, 2) using count(*) group by name) select name, "1" as one from c
unpivot main.b on x, id into name k value v
from main.b unpivot (v for k in (id, x))
from main.a unpivot (id for k in (amount))
from main.b unpivot include nulls (v for k in (id as 'the id', x))
unpivot main.a on columns(* exclude (name, day)) into name k value v
select k, sum(v) as s from (unpivot main.b on x, id into name k value v) group by k
select e.id, unnest(place, recursive := true) from main.e
select e.id, doc ->> '$.k' as k, doc -> 't' as t, doc ->> ['$.k', '$.s.u'] as l from main.e
select e.id, coalesce(doc ->> '$.s.u', 'none') as u, (doc ->> 'k')::int + 1 as k from main.e
select e.id, upper(doc ->> '$.s.u') as u, cast(doc ->> '$.k' as int) as k, concat(doc ->> 'k', 'x') as c from main.e
select max(doc ->> '$.k') as m, list(doc -> 'k' order by e.id, ts) as l from main.e
select to_json({'n': name, 'a': amount}) ->> 'n' as n, json_object('k', id) as o, json_array(id, name) as l from main.a
select id, position('p' in name) as p, substring(name from 1 for 1) as s, trim(both 'p' from name) as t, overlay('abc' placing 'x' from 1) is null as o from main.a where false
select id, amount & 1 as b, amount | id as o, xor(amount, id) as x, amount << 1 as l, ~amount as n, id! as f from main.a where id > 0
select id, name.upper().lower() as u, [id, amount].list_sum() as s from main.a
select id, upper(name).lower() as u, list_transform([amount], lambda v: v.abs() + id) as l from main.a
select id, coalesce(name, 'p').replace('p', day::varchar).upper() as u from main.a
select id, a.name.length() as n, (amount).abs() as s from main.a

-- postgres
select -amount as m, +id as p, amount * 2 - id as d, amount % 2 as r from main.a
with recursive c(n, s) as (select id, amount from main.a union all select n + 1, s from c where n < 4) select n, s from c
with recursive c as (select 1 as n union all select n + 1 from c where n < 3) select n, name from c join main.a on id = n
select (a).id as i, (a).name from main.a a
select a from main.a a
select a.name, md5(a::text) as h from main.a a
select row_to_json(a) ->> 'name' as n from main.a a
select a.*::text as t from main.a a
select count(a) as n, count(a.*) as m from main.a a left join main.b on a.id = b.x
select a is null as f, a.id from main.b left join main.a on a.id = b.x
select to_jsonb(b) - 'day' as j from main.b b
select name(a) as n, id from main.a a
select id, a.num_nulls as n from main.a a
select b.count as n from main.b b
select name n, sum(amount) from main.a group by n
select distinct on (id) id, name, amount from main.a order by id, amount desc, name, day
select distinct on (name) id, amount from main.a order by name, id, amount, day
select distinct on (id + 1, name) day from main.a order by id + 1, name, amount, day
select id from main.a order by amount using >, id, name, day limit 2
select a.id, l.v from main.a a, lateral (values (a.amount), (a.id)) l(v)
select id, name, x from (main.a join main.b using (id)) as j
select j.id, j.x from (main.a join main.b using (id)) j where j.x > 1
select id, u.id as k, x from main.a join main.b using (id) as u
select * from rows from (generate_series(1, 2), generate_series(2, 3)) as t(p, q), main.b
values (1, 'x'), (2, 'y') union all select id, name from main.a
with recursive c(id, n) as (select id, amount from main.a union select c.id, c.n - 1 from c where c.n > 0) select * from c
with recursive c as (select id, name, 1 as depth from main.a where amount = 1 union all select a.id, a.name, c.depth + 1 from main.a a join c on a.id = c.id + 1 where c.depth < 4) search depth first by id, name set path select id, depth from c
with recursive c as (select id from main.a), d as (select id + 1 as k from c) select k from d
select id, (select b from main.b b where b.id = a.id order by x, day limit 1) is null as f from main.a a

-- sqlite
select id, amount is distinct from id as f from main.a
select id, name is not distinct from 'p' as f from main.a
select -amount as m, +id as p, amount * 2 - id as d, amount % 2 as r from main.a
select id, sum(amount) filter (where name = 'p') as s, sum(amount) as t from main.a group by id
select count(*) filter (where amount > 1) as n, count(*) as c from main.a
select id from main.a order by amount desc nulls last, id, name, day limit 3
select id from main.a order by amount nulls first, id, name, day limit 3
with c as (select id, amount as k, name as n from main.a) select id, (select max(k) from c d where d.id = c.id) as m, n from c
with recursive c(n, s) as (select id, amount from main.a union all select n + 1, s from c where n < 4) select n, s from c
with recursive c as (select 1 as n union all select n + 1 from c where n < 3) select n, name from c join main.a on id = n
select id, (select count(*) from main.b b where b.id = a.id) as n from main.a a
select id, (select max(x) from main.b) as m, (select max(day) from main.b) as d from main.a
select id, (select max(b.x) from main.b b where b.id in (select c.amount from main.a c where c.name = a.name)) as m from main.a a
select id, (select max(x) from main.b where id = amount) as m from main.a
select name, (select count(*) from main.b where x = max(amount)) as n from main.a group by name
select id, (select s from (select sum(x) as s from main.b b where b.id = a.id) t) as s from main.a a
select s.id, s.n from (select id, (select count(*) from main.b where main.b.id = main.a.id) as n from main.a) s where s.n > 1
select id, (select count(*) from main.b where id = 2) as n from main.a
select id, coalesce((select min(x) from main.b b where b.id = a.id), amount) as m from main.a a
select id, count(*) filter (where amount > 1) over (partition by name) as n from main.a
select id from main.a where name = "p"
select id, amount true from main.a where true
select name, amount from main.a group by name
select max(amount) as m, name from main.a
select name, max(amount) as m, day from main.a group by name
select name, count(*) as n from main.a group by name having n > 1
select name, sum(amount) as s from main.a group by name having max(id) > 2 and s > 1
select amount > 1 as f, sum(id) as s from main.a group by f
select name as amount, count(*) as n from main.a group by amount
select name, x from main.a, main.b on a.id = b.id
select * from main.a join main.b using (id)
select e.id, (select count(*) from json_each(e.doc, '$.t')) as n from main.e
select id, json_array(name, amount) ->> 1 as j from main.a
select id, sum(amount) filter (where id > 1) over (order by id, name, amount, day) as s from main.a
