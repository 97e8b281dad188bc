-- A microbatch model: dbt filters raw_sales by its event time, and replaces the day.
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='sold_at',
          batch_size='day', begin='2026-01-01') }}
select sale_id, amount, sold_at from {{ ref('raw_sales') }}
