arrayConcat(
    if(length(found) >= {times:UInt32}, [(arrayReverseSort(found.1)[{times:UInt32}], toUInt8(1), 0.)], []),
    arrayMap(
        f -> (least(f.1, arrayReverseSort(found.1)[{times:UInt32}]), toUInt8(0), f.2),
        if(length(found) >= {times:UInt32}, found, [])
    )
)
