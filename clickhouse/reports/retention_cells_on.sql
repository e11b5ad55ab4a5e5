arrayFilter(
    cell -> cell.1 > 0,
    arrayMap(
        c -> (c, toUInt8(1), arraySum(arrayMap(f -> if(f.1 = c, f.2, 0.), found))),
        arrayFilter(c -> countEqual(found.1, c) >= {times:UInt32}, arrayDistinct(found.1))
    )
)
