SELECT $who AS who, $words
FROM
(
    SELECT {site:String} AS site_id, $own, any(marked.visitor_id) AS visitor_id, $merged
    FROM
    (
        $rows
    ) AS marked
    GROUP BY $own
)
