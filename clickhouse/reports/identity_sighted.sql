(
    SELECT
        *,
        arrayJoin(arrayFilter(
            e -> e.2 != '' AND e.4 != '' AND multiIf(
                e.1 = 'visitor', has({visitors:Array(String)}, e.2),
                e.1 = 'user', has({users:Array(String)}, e.2),
                e.1 = 'fingerprint', has({fingerprints:Array(String)}, e.2),
                has({networks:Array(String)}, e.2)
            ),
            [
                ('visitor', visitor_id, 'user', user_id),
                ('user', user_id, 'visitor', visitor_id),
                ('visitor', visitor_id, 'fingerprint', fingerprint_id),
                ('fingerprint', fingerprint_id, 'visitor', visitor_id),
                ('fingerprint', fingerprint_id, 'network', ip),
                ('network', ip, 'fingerprint', fingerprint_id)
            ]
        )) AS edge,
        edge.1 AS near_kind,
        edge.2 AS near,
        edge.3 AS far_kind,
        edge.4 AS far
    FROM $rows
    WHERE $touching
)
