select range as day, 10 + range % 7 as visitors
from range({{ var('days', 7) }})
