select
    customer_orders.customer_id,
    customer_orders.customer_name,
    customer_orders.order_count,
    scores.score,
    case
        when scores.score >= 8 then 'loyal'
        when customer_orders.order_count > 0 then 'occasional'
        else 'new'
    end as segment
from {{ ref('customer_orders') }} as customer_orders
join {{ source('scores', 'customers') }} as scores using (customer_id)
