select
    customer_id::integer as customer_id,
    name::varchar as name,
    country::varchar as country,
    segment::varchar as segment
from {{ source('received', 'customers') }}
