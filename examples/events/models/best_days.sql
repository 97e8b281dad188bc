-- Not partitioned: built once after the partitions of a run.
select day, amount from {{ ref('sales_by_day') }} order by amount desc, day limit 3
