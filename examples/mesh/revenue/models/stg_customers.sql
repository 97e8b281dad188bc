select * from {{ ref('crm', 'dim_customers') }}
