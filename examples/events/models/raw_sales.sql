-- Stands for what an ingestion loads: a sale every 20 minutes, of which some arrive up to two days late.
{{ config(event_time='sold_at') }}
select
    n as sale_id,
    n % 9 + 1 as amount,
    timestamp '2026-01-01' + to_minutes(cast(20 * n as int)) as sold_at,
    sold_at + to_hours(cast(case n % 11 when 0 then 47 when 5 then 20 else 0 end as int)) as loaded_at
from range(0, 6 * 24 * 3) as t (n)
where loaded_at <= {% if var('floe_nominal_time', '') %} '{{ var("floe_nominal_time") }}'::timestamp
    {%- else %} now()::timestamp {%- endif %}
