select
    customers.id as customer_id,
    customers.name as customer_name,
    count(orders.id) as order_count,
    coalesce(sum(orders.cents), 0) as spent_cents,
    max(cast(orders.ordered_on as date)) as last_ordered_on
from {{ source('raw', 'customers') }} as customers
left join {{ source('raw', 'orders') }} as orders on customers.id = orders.customer_id
group by customers.id, customers.name
