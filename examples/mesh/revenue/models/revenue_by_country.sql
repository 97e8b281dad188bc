select
    customers.country,
    customers.segment,
    count(*) as invoices,
    sum(invoices.amount) as amount
from {{ ref('billing', 'fct_invoices') }} as invoices
join {{ ref('stg_customers') }} as customers using (customer_id)
group by customers.country, customers.segment
