(
    groupUniqArrayIf(tuple($time $dimensions), $filtered),
    countIf(event = 'page_view'),
    toUInt8(countIf(event = {target:String}) > 0)
)
