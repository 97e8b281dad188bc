select id, name from {{ source('erp', 'people') }}
