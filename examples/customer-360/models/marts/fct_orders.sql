{{ config(materialized='incremental', unique_key='order_id', tags=['orders']) }}
select
    orders.order_id,
    orders.customer_id,
    orders.ordered_on,
    orders.status,
    coalesce(amounts.amount, 0) as amount,
    coalesce(amounts.payments, 0) as payments
from {{ ref('stg_orders') }} as orders
left join {{ ref('int_order_amounts') }} as amounts using (order_id)
{% if is_incremental() %}
where orders.ordered_on >= (select max(ordered_on) from {{ this }})
{% endif %}
