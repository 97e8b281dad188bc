select count(*) as days, sum(visitors) as visitors
from {{ ref('visits') }}
