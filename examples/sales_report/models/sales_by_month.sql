{{ config(materialized='incremental', unique_key='month') }}
select date_trunc('month', day)::date as month, sum(sales) as sales, sum(amount) as amount
from {{ ref('events', 'sales_by_day') }}
where day >= '{{ var("month", "") }}' and day < '{{ var("next_month", "") }}'
group by 1
