(
    argMin((toUInt128(event_id), $value, toUInt8(channel IN ('', 'direct'))), moment),
    groupUniqArray($who),
    groupArrayIf(
        (ms, toUInt128(event_id), toInt128(toDecimal128(revenue, 4) * 10000), toString(currency), $who),
        ts >= fromUnixTimestamp64Milli({goals_start:Int64}) AND event = {goal:String} AND $filtered
    )
)
