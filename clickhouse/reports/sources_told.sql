(
    argMin(($field, reinterpretAsUInt128(sipHash128($visitor))), moment),
    countIf(event = 'page_view'),
    toUInt8(countIf($filtered) > 0)
)
