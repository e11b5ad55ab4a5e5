tuple(groupArrayIf(bitShiftLeft(moment, 80) + toUInt256(if($filtered, $hash, 0)), event = 'page_view'))
