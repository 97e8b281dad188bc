select orders.id
from {{ ref('orders') }} as orders
left join {{ ref('stg_people') }} as people on people.name = orders.name
where people.id is null
