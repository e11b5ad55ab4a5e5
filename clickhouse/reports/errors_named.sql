-- Which fault an error is of: its page, and its message without addresses, quoted texts, hexadecimal and other numbers, which
-- differ from one to the next.
if(JSONType(properties, 'message') = 'String', JSONExtractString(properties, 'message'), '') AS whole,
substringUTF8(
    replaceRegexpAll(
        replaceRegexpAll(
            replaceRegexpAll(
                replaceRegexpAll(whole, 'https?://[^\\s"\')]+', '<url>'),
                '"[^"]*"|\'[^\']*\'|`[^`]*`',
                '<text>'
            ),
            '\\b(0x[0-9a-fA-F]+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})\\b',
            '<hex>'
        ),
        '[0-9]+',
        '<n>'
    ),
    1,
    500
) AS message,
lower(hex(bitShiftRight(reinterpretAsUInt128(sipHash128(path, message)), 64)::UInt64)) AS print
