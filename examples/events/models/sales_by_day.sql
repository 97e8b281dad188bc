-- Filters by the vars of its partition, and replaces the day by its key.
{{ config(materialized='incremental', unique_key='day') }}
select sold_at::date as day, count(*) as sales, sum(amount) as amount
from {{ ref('sales') }}
where sold_at >= '{{ var("min_date") }}' and sold_at < '{{ var("max_date") }}'
group by 1
