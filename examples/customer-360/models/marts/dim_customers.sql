select
    customer_id,
    customer_name,
    country,
    channel
from {{ ref('stg_customers') }}
