-- The counters within one block of a load's stream, each as often as it is stored; see blocks.sql.
WITH
    toUInt64(bitAnd(reinterpretAsUInt128(event_id), 18446744073709551615)) AS mixed,
    bitXor(mixed, bitShiftRight(mixed, 32)) * toUInt64(10871156337175269513) AS unmixed,
    bitXor(unmixed, bitShiftRight(unmixed, 32)) * toUInt64(17428512612931826493) AS counter,
    bitXor(counter, toUInt64(15111065706836454659)) * toUInt64(11400714819323198485) AS scattered,
    bitXor(scattered, bitShiftRight(scattered, 32)) * toUInt64(13787848793156543929) AS again,
    bitXor(again, bitShiftRight(again, 32)) AS other,
    bitShiftRight(counter, 40) AS stream,
    bitAnd(counter, 1099511627775) AS number
SELECT toUInt32(number % {block:UInt64})
FROM events
WHERE site_id != {but:String} AND stream = {stream:UInt64}
    AND other = toUInt64(bitShiftRight(reinterpretAsUInt128(event_id), 64)) AND intDiv(number, {block:UInt64}) = {part:UInt64}
