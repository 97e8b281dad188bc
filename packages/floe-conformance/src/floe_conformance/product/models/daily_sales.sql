{{ config(materialized='table') }}
select (select count(*) from {{ ref('stg_orders') }}) as placed, count(*) as paid
from {{ ref('orders') }}
