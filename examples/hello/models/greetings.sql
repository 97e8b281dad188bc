select id, 'Hello, ' || name || '!' as greeting from {{ ref('stg_people') }}
