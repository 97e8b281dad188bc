select id, person, cents / 100.0 as amount from {{ ref('raw_orders') }}
