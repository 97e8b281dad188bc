{{ config(materialized='ephemeral') }}
select id, person, amount from {{ ref('stg_orders') }} where amount > 0
