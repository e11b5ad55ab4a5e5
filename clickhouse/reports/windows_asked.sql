(
    SELECT
        tupleElement(question, 'id') AS id,
        tupleElement(question, 'site') AS of_site,
        tupleElement(question, 'above') AS above_names,
        tupleElement(question, 'below') AS below_names,
        tupleElement(question, 'countries') AS countries,
        tupleElement(question, 'devices') AS devices,
        tupleElement(question, 'by') AS by_field,
        tupleElement(question, 'kept') AS kept,
        tupleElement(question, 'vital') AS vital,
        tupleElement(question, 'bands') AS bands,
        tupleElement(question, 'share') AS share,
        tupleElement(question, 'follows') AS follows,
        tupleElement(question, 'width') AS width,
        tupleElement(question, 'first') AS first_end,
        tupleElement(question, 'last') AS last_end
    FROM
    (
        SELECT arrayJoin(JSONExtract(
            {asked:String},
            'Array(Tuple(id UInt32, site String, above Array(String), below Array(String), countries Array(String), devices Array(String), by String, kept Array(String), vital String, bands Array(String), share String, follows Bool, width Int64, first Int64, last Int64))'
        )) AS question
    )
) AS asked
