select
    customers.customer_id,
    customers.customer_name,
    customers.country,
    customers.channel,
    count(orders.order_id) as orders,
    coalesce(sum(case when orders.status <> 'returned' then orders.amount end), 0) as revenue,
    min(orders.ordered_on) as first_order_on,
    max(orders.ordered_on) as last_order_on
from {{ ref('dim_customers') }} as customers
left join {{ ref('fct_orders') }} as orders using (customer_id)
group by
    customers.customer_id,
    customers.customer_name,
    customers.country,
    customers.channel
