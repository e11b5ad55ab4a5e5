-- A month as it is to be, built beside.
CREATE TABLE {month_table:Identifier} AS events
