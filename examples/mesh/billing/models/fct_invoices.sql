select
    invoice_id,
    customer_id,
    invoiced_on::date as invoiced_on,
    amount::decimal(12, 2) as amount
from {{ ref('invoices') }}
