-- Conditions
select id, name from main.a where amount > (select avg(x) from main.b)
select id, name from main.a where not (amount > 1 or name = 'p')
select id from main.a where amount between 1 and 2
select id, name from main.a where amount not between id and 3
select id, amount in (1, 2, id) as f from main.a
select id, amount not in (1, 3) as f, name from main.a
select id from main.a where name like 'p%' or name is null
select id, name not like '%q%' as f from main.a
select id, name like 'p!%' escape '!' as f from main.a
select id, amount is distinct from id as f from main.a  --: read whole: sqlite
select id, name is not distinct from 'p' as f from main.a  --: read whole: sqlite
select id, (amount > 1) is true as f from main.a
select id, (amount > 1) is not false as f, day from main.a
select id, amount is null as f, name is not null as g from main.a
select id from main.a where (id, amount) = (2, 1)
select id from main.a where (id, amount) < (2, 3)
select id, day from main.a where day > (select min(day) from main.b)

-- Values
select id, coalesce(name, 'z') as n, amount is null as f from main.a
select id, nullif(amount, id) as n from main.a
select id, coalesce(nullif(name, 'p'), cast(id as varchar(9))) as n from main.a  --: read whole: duckdb
select id, case when amount > 1 then name when amount = 1 then 'one' else 'z' end as c from main.a
select id, case amount when 1 then 'one' when id then 'id' end as c from main.a
select id, case when name = 'p' then case when amount > 1 then id end else amount end as c from main.a
select -amount as m, +id as p, amount * 2 - id as d, amount % 2 as r from main.a  --: read whole: duckdb, postgres, sqlite
select id, amount + 1 as more, amount + id as sum from main.a
select upper(name) as u, length(name) as l, replace(name, 'p', 'x') as r, substr(name, 1, 1) as s from main.a
select id, name || '-' || cast(amount as varchar(9)) as n from main.a  --: read whole: duckdb
select trim(' ' || name || ' ') as t, ltrim(name, 'p') as l, rtrim(name, 'q') as r from main.a
select abs(amount - 2) as a, round(amount * 1.5, 1) as r from main.a
select id, 'it''s' as s, 'a -- no comment' as c, '/* nor this */' as d from main.a
select id /* with a ' quote */, name /* and "another */ from main.a
select id, 1 as one, null as n, 1.5 as f, 'x' as t from main.a
select cast(amount as varchar(3)) as s, cast(id as double precision) as f from main.a  --: read whole: duckdb
select id as "Id of", name as "select" from main.a
select "a"."id", "name" as "NAME" from "main"."a"
select A.ID, A.Name from main.a A
select ID, Id + 1 as next from MAIN.A

-- Aliases that shadow columns
select name as id, id as name from main.a
select id as amount, amount * 2 as y from main.a
select id as k, amount as id from main.a order by id, k
select amount as id from main.a where id > 1
select amount as id, count(*) as n from main.a group by amount
select sum(amount) as amount from main.a where amount > 1
select sum(amount) as id, id as g from main.a group by id
select lower(name) as name, count(*) as n from main.a group by name
select max(id) as id, name from main.a group by name having max(id) > 1
select -amount as amount from main.a order by amount
select a.name, a.id as b from main.a a join main.b b on b.id = a.id
select id as day, day as id from main.b

-- Joins
select a.* from main.a a left join main.b b on a.id = b.id and b.x > 2
select a.id, b.x from main.a a join main.b b on a.id = b.id
select a.id, b.x from main.a a, main.b b where a.amount = b.x
select a.name, b.day from main.a a cross join main.b b
select a.name, b.x from main.a a right join main.b b on a.id = b.id
select coalesce(a.id, b.id) as k, name, x from main.a a full join main.b b on a.id = b.id
select id, name from main.a a full join main.b b using (id)
select id, name, x from main.a join main.b using (id)
select id, day, name, x from main.a left join main.b using (id, day)
select name, amount from main.a a natural join main.b b
select id, x from main.a natural left join main.b
select x.id, y.name from main.a x join main.a y on x.id = y.amount
select x.id, z.x from main.a x join main.a y on x.id = y.id join main.b z on z.id = y.amount
select a.name from main.a a join (main.b b join main.a c on b.id = c.id) on a.id = b.x
select a.name from main.a a left join (select id, max(x) as m from main.b group by id) m on m.id = a.id and m.m > 1
select a.id, b.x from main.a a join main.b b on true where a.id = 1 and b.id = 2
select a.id, count(b.x) as n from main.a a left join main.b b on a.id = b.id group by a.id
select a.id from main.a a left join main.b b on a.id = b.id where b.id is null
select a.name, b.x, c.x as y from main.a a left join main.b b on a.id = b.id left join main.b c on c.x = b.x
select a.id, b.id as other from main.a a inner join main.b b on a.id < b.id
select * from main.a join (select id as k, x from main.b) t on t.k = id
select t.k, t.v from (select id as k, amount + 1 as v from main.a) t join main.b on t.k = main.b.id

-- Groups
select name, sum(amount) as s from main.a group by 1 having sum(id) > 3
select name, sum(amount) as s from main.a group by name
select name, amount, count(*) as n from main.a group by 1, 2
select count(*) as n, count(name) as c, count(distinct amount) as d from main.a
select min(name) as l, max(day) as h, avg(amount) as m from main.a
select id, sum(amount) filter (where name = 'p') as s, sum(amount) as t from main.a group by id  --: read whole: sqlite
select count(*) filter (where amount > 1) as n, count(*) as c from main.a  --: read whole: sqlite
select amount > 1 as f, count(*) as n from main.a group by amount > 1
select case when amount > 1 then 'h' else 'l' end as c, max(id) as m from main.a group by 1
select id % 2 as r, sum(amount) as s from main.a group by id % 2 having count(*) > 1
select id + 1 as k, sum(amount + id) as s from main.a group by id
select count(*) as n from main.a having count(*) > 3
select name from main.a group by name
select name from main.a group by name, amount
select max(amount) as m from main.a group by id
select sum(distinct amount) as s, sum(amount) as t from main.a
select id, string_agg(name, ',' order by name, amount, day) as s from main.a group by id
select name, count(*) as n from main.a where amount is not null group by name having min(id) < 3
select name, sum(x) as s from main.a join main.b using (id) group by name
select max(s) as m from (select sum(amount) as s from main.a group by name) t

-- Distinct, order and limit
select distinct name, amount > 1 as f from main.a
select distinct id from main.a where amount > 1
select count(*) as n from (select distinct name, amount from main.a) t
select id, name from main.a order by id, name, amount, day limit 3
select id from main.a order by amount, id, name, day limit 3
select name from main.a order by id + coalesce(amount, 0), id, name, amount, day limit 4
select id, name, amount, day from main.a order by 2, 1, 3, 4 limit 4
select id, name, amount, day from main.a order by name desc, id, amount, day limit 3 offset 2
select id from main.a order by amount desc nulls last, id, name, day limit 3  --: read whole: duckdb, sqlite
select id from main.a order by amount nulls first, id, name, day limit 3  --: read whole: sqlite
select id, amount from main.a order by case when name = 'p' then 0 else 1 end, id, amount, day, name limit 4
select distinct name from main.a order by name limit 2
select name, count(*) as n from main.a group by name order by count(*) desc, name limit 1
select id from main.a order by id limit (select count(*) from main.b where x = 1)
select id, name from main.a order by day

-- Set operations
select id from main.a intersect select id from main.b
select id from main.a union select x from main.b
select id, name from main.a union all select x, 'b' from main.b
select id from main.a except select x from main.b
select id from main.a where name is not null union all select x from main.b where day is null
select id as k, name as n from main.a union all select id, null from main.b
select id from main.a union all select x from main.b union all select amount from main.a
select id from main.a union select x from main.b except select amount from main.a
select id, amount from main.a union all select id, x from main.b order by 1, 2 limit 5
select id, amount from main.a union select id, x from main.b order by id, amount
select k, max(v) as m from (select id as k, amount as v from main.a union select id, x from main.b) t group by k
select * from (select id, day from main.a union all select x, day from main.b) t where id > 1
select k from (select id as k, name as v from main.a union all select x, 'q' from main.b) t
select id from main.a where id in (select id from main.a intersect select x from main.b)
select 1 as k from main.a union all select 2 from main.b where x > 2
select id as k, 'a' as src, amount as v from main.a union all select id, 'b', x from main.b

-- CTEs
with b as (select * from main.a) select b.name, b.id from b
with c(k, name) as (select id, amount from main.a) select name from c
with c as (select id, max(amount) as m from main.a group by id) select c.id, m, x from c left join main.b using (id)
with c as (select id as k, amount as v, name from main.a) select k, v from c union all select x, id from main.b
with c as (select id, name as k from main.a), d as (select k, count(*) as n from c group by k) select c.id, d.n from c join d using (k)
with c as (select id, amount as k, name as n from main.a) select id, (select max(k) from c d where d.id = c.id) as m, n from c  --: read whole: sqlite
with c as (select id from main.a), c2 as (select id from c where id > 1) select c2.id, c.id as other from c2, c
with a as (select id, x as amount from main.b) select a.id, a.amount from a
with a as (select id, x as amount from main.b) select id, name from main.a where amount in (select amount from a)
with c as (with c as (select id, name from main.a) select id, name || '!' as name from c) select * from c
with c as materialized (select id, name, amount from main.a) select id, name from c
with c as not materialized (select id, name, amount from main.a where amount > 1) select id from c
with recursive c(n, s) as (select id, amount from main.a union all select n + 1, s from c where n < 4) select n, s from c  --: read whole: duckdb, postgres, sqlite
with recursive c as (select 1 as n union all select n + 1 from c where n < 3) select n, name from c join main.a on id = n  --: read whole: duckdb, postgres, sqlite
with c as (select id, row_number() over (partition by id order by day, amount, name) as r, name from main.a) select id, name from c where r = 1
select id, name from (with c as (select id, name from main.a where amount > 1) select * from c) t
with c as (select amount from main.a) select id, x in (select amount from c) as f from main.b
with unused as (select x from main.b) select id, name from main.a
with c as (select id, name, amount from main.a), d as (select * from c), e as (select * from d) select name from e
with c as (select count(*) as n from main.b) select a.id, c.n from main.a a cross join c

-- Subqueries
select id, (select count(*) from main.b b where b.id = a.id) as n from main.a a  --: read whole: sqlite
select id, exists (select 1 from main.b b where b.x = a.amount) as f, name from main.a a
select id, x in (select amount from main.a) as f from main.b
select id, x not in (select amount from main.a where amount is not null) as f from main.b
select id, name from main.a where (id, name) in (select id, 'p' from main.b)
select id, case when exists (select 1 from main.b where x = 1) then name end as n from main.a
select id, name from main.a where id in (select id from main.b where x > 1) and exists (select 1 from main.b q where q.id = main.a.id)
select id, (select max(x) from main.b) as m, (select max(day) from main.b) as d from main.a  --: read whole: sqlite
select id, (select max(b.x) from main.b b where b.id in (select c.amount from main.a c where c.name = a.name)) as m from main.a a  --: read whole: sqlite
select id, (select max(x) from main.b where id = amount) as m from main.a  --: read whole: sqlite
select id, (select x + 1 as amount from main.b where id = amount order by 1 limit 1) as m from main.a  --: not all in lineage: postgres
select id, exists (select x as name from main.b where name is null) as f from main.a  --: not all in lineage: postgres
select id from main.a where amount = (select max(amount) from main.a)
select id from main.a a where amount = (select max(c.amount) from main.a c where c.name = a.name)
select id from main.a a where not exists (select * from main.b b where b.id = a.id and b.x > a.amount)
select id from main.a a where exists (select name from main.b)
select name, sum(amount) as s from main.a group by name having sum(amount) > (select min(x) from main.b)
select name, (select count(*) from main.b where x = max(amount)) as n from main.a group by name  --: read whole: sqlite
select id from main.a order by (select count(*) from main.b where x = amount), id, name, amount, day limit 3
select (select name from main.a order by id, name, amount, day limit 1) as first, id from main.b
select id, (select s from (select sum(x) as s from main.b b where b.id = a.id) t) as s from main.a a  --: read whole: sqlite
select s.id, s.n from (select id, (select count(*) from main.b where main.b.id = main.a.id) as n from main.a) s where s.n > 1  --: read whole: sqlite
select a.id, b.x from main.a a join main.b b on b.x = (select max(c.x) from main.b c where c.id = a.id)
select id, name from main.a where id in (1, (select max(x) from main.b))
select id, exists (select x from main.b where main.b.day = main.a.day order by x limit 1) as f from main.a
select id, (select count(*) from main.b where id = 2) as n from main.a  --: read whole: sqlite
select id, coalesce((select min(x) from main.b b where b.id = a.id), amount) as m from main.a a  --: read whole: sqlite

-- Windows
select id, sum(amount) over (partition by name) as s, count(*) over () as c from main.a
select id, sum(amount) over w as s from main.a window w as (partition by name order by day, id, amount)
select id, sum(amount) over (w order by id, day, amount) as s, count(*) over w as n from main.a window w as (partition by name)
select id, row_number() over (order by id, name, amount, day) as r from main.a
select name, rank() over (order by amount) as r, dense_rank() over (order by amount desc) as d from main.a
select id, ntile(2) over (order by id, name, amount, day) as t, percent_rank() over (order by id) as p, cume_dist() over (order by amount) as c from main.a
select id, lag(name) over (order by id, name, amount, day) as l, lead(amount, 2, -1) over (order by id, name, amount, day) as n from main.a
select id, first_value(name) over (partition by id order by amount, name, day) as f, last_value(day) over (partition by id order by amount, name, day) as l from main.a
select id, nth_value(name, 2) over (order by id, name, amount, day) as n from main.a
select id, sum(amount) over (order by id rows between 1 preceding and 1 following) as s from (select id, amount from main.a where amount is not null) t where id < 0
select id, sum(amount) over (order by id, name, amount, day rows between 1 preceding and current row) as s from main.a
select id, sum(amount) over (order by id range between 1 preceding and 1 following) as s from main.a
select id, sum(amount) over (order by id groups between 1 preceding and current row) as s from main.a
select id, sum(amount) over (order by id, name, amount, day rows between unbounded preceding and unbounded following exclude current row) as s from main.a
select id, sum(amount) over (order by id groups between 1 preceding and current row exclude ties) as s, sum(amount) over (order by id groups between 1 preceding and current row exclude group) as g from main.a
select id, count(*) filter (where amount > 1) over (partition by name) as n from main.a  --: read whole: sqlite
select name, sum(sum(amount)) over (order by name) as s from main.a group by name
select name, rank() over (order by count(*), name) as r from main.a group by name
select id, max(amount) over () - amount as d from main.a
select id, name, avg(amount) over (partition by day, name) as m from main.a
select id, case when row_number() over (order by id, name, amount, day) = 1 then name end as f from main.a
select * from (select id, name, rank() over (partition by name order by amount) as r from main.a) t where r = 1
select id from main.a order by row_number() over (order by amount, id, name, day) desc limit 2

-- Stars
select * from main.a
select * from main.b where x > 1
select a.* from main.a a, main.b b where b.x = a.id
select b.*, a.name from main.a a join main.b b on a.id = b.x
select t.* from (select id, name as n from main.a) t
select *, amount + 1 as more from main.a
select * from (select * from main.a where amount > 1) t
select count(*) as n from (select * from main.a) t

-- Values as a table

with v(k, w) as (values (1, 'x'), (2, 'y')) select a.name, v.w from main.a a join v on v.k = a.id
select id, name from main.a where id in (values (1), (3))
