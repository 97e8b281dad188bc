-- duckdb
select place.* from main.e
select (a).name from main.a a
select unnest(place), e.id from main.e
select columns(* replace (amount + 1 as amount)) from main.a
select columns('[[:alpha:]]*d') from main.a
select a.id, u from main.a a, (select b.x as u from main.b b where b.id = a.id) l
select main.a as r, v.col1 as w from main.a join (values ('x', 1), ('y', 2)) v on v.col1 = amount
select id, name from main.a order by #2, #1, amount, day limit 2
select id, max(name) from main.a group by id union all by name select id, x from main.b
pivot main.a on name using sum(amount) group by id
unpivot main.a on columns(* exclude (name, day)) into name k value v
select e.id, t from main.e, unnest(tags) u(t)
select e.id, u.unnest as t from main.e, unnest(e.tags) u
select e.id, unnest(tags) as t, generate_subscripts(tags, 1) as i from main.e
select e.id, t.t from main.e left join lateral (select unnest(e.tags) as t) t on true
select e.id, struct_insert(place, z := e.id).z as z, struct_extract(place, 'city') as c from main.e
select e.id, unnest([place, {'city': 'x', 'lat': e.id}]).city as c from main.e
select e.id, unnest(place, recursive := true) from main.e
select id, unnest(range(amount)) as r from main.a
select id, unnest(generate_series(1, amount)) as g, amount from main.a
select max({'k': amount, 'v': name}).v as v from main.a
select e.id, case when place.lat > 1 then place else {'city': 'z', 'lat': e.id} end.city as c from main.e
select e.id, unnest(from_json(doc -> 't', '["varchar"]')) as t from main.e
select id, name.upper().lower() as u, [id, amount].list_sum() as s from main.a
select id, upper(name).lower() as u, list_transform([amount], lambda v: v.abs() + id) as l from main.a
select id, coalesce(name, 'p').replace('p', day::varchar).upper() as u from main.a
select id, a.name.length() as n, (amount).abs() as s from main.a

-- postgres
select id, (select x + 1 as amount from main.b where id = amount order by 1 limit 1) as m from main.a
select id, exists (select x as name from main.b where name is null) as f from main.a
select (a).id as i, (a).name from main.a a
select a.*::text as t from main.a a
select name n, sum(amount) from main.a group by n
select a.id, l.v from main.a a, lateral (values (a.amount), (a.id)) l(v)
select a.id, g from main.a a, generate_series(1, a.amount) g
select a.id, g.n from main.a a, generate_series(1, a.amount) as g(n)
select id, generate_series(1, amount) as g from main.a
select id, u, o from main.a, unnest(array[amount, id]) with ordinality t(u, o)
select e.id, unnest from main.e, unnest(tags)
select e.id, t from main.e left join unnest(tags) t on true
select id, name, x from (main.a join main.b using (id)) as j
select j.id, j.x from (main.a join main.b using (id)) j where j.x > 1
values (1, 'x'), (2, 'y') union all select id, name from main.a
select id, (select max(x) as amount from main.b where id = amount) as m from main.a
select e.id, jsonb_path_query(doc, '$.t[*]') as p from main.e

-- sqlite
select id, amount true from main.a where true
select max(amount) as m, name from main.a
select name, max(amount) as m, day from main.a group by name
select * from main.a join main.b using (id)
