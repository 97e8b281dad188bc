select
    id as customer_id,
    name as customer_name,
    country,
    channel,
    updated_at
from {{ ref('raw_customers') }}
