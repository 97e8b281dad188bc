{{ config(materialized='table') }}
select paid.id, people.name, paid.amount
from {{ ref('int_paid') }} as paid
left join {{ ref('stg_people') }} as people on people.id = paid.person
