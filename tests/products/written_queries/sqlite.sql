-- Names and texts of its own
select [id], `name` from main.a
select "id", 'name' as n from main.a
select a.id, a.[amount] as "of a" from main.a as a
select id, name == 'p' as f, amount <> 1 as g from main.a
select id, name is 'p' as f, amount is not id as g from main.a
select id, name not null as f, amount notnull as g, day isnull as h from main.a
select id, name glob 'p*' as f from main.a
select id, name collate nocase = 'P' as f from main.a
select id, x'70' as h, 0x1F as n from main.a
select id, name from main.a order by name collate nocase desc, id, amount, day limit 3
select id from main.a where name = "p"  --: read whole
select id, amount true from main.a where true  --: read whole; not all in lineage

-- Functions
select id, iif(amount > 1, name, 'z') as c from main.a
select id, ifnull(name, 'z') as n, ifnull(amount, id) as m from main.a
select id, max(amount, 2) as m, min(amount, id) as l from main.a
select max(max(amount, 2)) as m from main.a
select id, typeof(amount) as t, quote(name) as q from main.a
select id, instr(name, 'p') as i, hex(name) as h, unicode(name) as u, char(amount + 64) as c from main.a
select id, printf('%03d', amount) as p, format('%s-%s', name, id) as f from main.a
select id, substring(name, 1, 1) as s, likely(amount > 1) as l from main.a
select id, strftime('%d', day) as d, date(day, '+1 month') as m, julianday(day) as j from main.a
select id, unixepoch(day) as u, datetime(day, 'start of month') as s from main.a
select id, sign(amount - 2) as s, concat(name, id) as c, concat_ws('-', name, amount) as w from main.a
select id, nullif(name, 'p') as n, cast(amount as text) as t, cast(name as integer) as i from main.a
select id, amount << 1 as l, amount & 1 as b, ~amount as n, amount | id as o from main.a
select id, zeroblob(amount) as z, soundex_is_no_function from (select *, 1 as soundex_is_no_function from main.a) t

-- Groups, with bare columns
select name, amount from main.a group by name  --: read whole
select max(amount) as m, name from main.a  --: read whole; not all in lineage
select name, max(amount) as m, day from main.a group by name  --: read whole; not all in lineage
select id, group_concat(name) as g from main.a group by id
select id, group_concat(name, '-' order by name, amount, day) as g from main.a group by id
select total(amount) as t, count(*) as n from main.a
select name, count(*) as n from main.a group by name having n > 1  --: read whole
select name, sum(amount) as s from main.a group by name having max(id) > 2 and s > 1  --: read whole
select amount > 1 as f, sum(id) as s from main.a group by f  --: read whole
select name as amount, count(*) as n from main.a group by amount  --: read whole
select json_group_array(name order by id, name, amount, day) as j from main.a
select total(distinct amount) as m, avg(amount) as v from main.a

-- Rows, order and limit
select id, name from main.a order by id, name, amount, day limit 1, 3
select id from main.a order by id, amount limit 2 offset (select count(*) from main.b where x = 3)
select rowid as r, name from main.a
select id, _rowid_ as r from main.a
select id from main.a order by rowid desc limit 2
select * from (select id from main.a union select x from main.b) order by 1 desc limit 2
select id, amount + 1 as m from main.a where m > 2
select id, amount * 2 as y, id as x from main.a where y > x

-- Joins
select name, x from main.a, main.b on a.id = b.id  --: read whole
select name, x from main.a left outer join main.b using (id)
select * from main.a natural join main.b
select * from main.a join main.b using (id)  --: read whole; not all in lineage
select a.*, b.x from main.a cross join main.b
select name, x from main.a natural left join main.b where amount > 1
select * from main.a full join main.b using (id, day)

-- JSON
select e.id, doc ->> '$.k' as k, doc -> '$.t' as t from main.e
select e.id, json_extract(doc, '$.k') as k, json_type(doc, '$.t') as t from main.e
select e.id, j.value as v from main.e, json_each(e.doc, '$.t') j
select e.id, j.key as k, j.type as t from main.e, json_tree(e.doc) j where j.atom is not null
select e.id, (select count(*) from json_each(e.doc, '$.t')) as n from main.e  --: read whole
select e.id, json_array_length(doc, '$.t') as n, json_set(doc, '$.k', e.id) as s from main.e
select id, json_object('n', name, 'a', amount) as j from main.a
select id, json_array(name, amount) ->> 1 as j from main.a  --: read whole
select e.id, datetime(ts, '+1 hour') as t, strftime('%H', ts) as h from main.e

-- Windows
select id, sum(amount) filter (where id > 1) over (order by id, name, amount, day) as s from main.a  --: read whole
select id, group_concat(name) over (order by id, name, amount, day) as g from main.a
select id, row_number() over win as r, lag(id) over win as l from main.a window win as (order by amount, id, name, day)
select id, max(amount) over (partition by id % 2 order by day range between unbounded preceding and current row) as m from main.a
select a.id, v.column2 as w from main.a a join (values (1, 'x'), (2, 'y')) v on v.column1 = a.amount
