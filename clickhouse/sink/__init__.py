"""The sink: from Kafka into ClickHouse, exactly once.

One block at a time: gathered (`reader`), turned into Arrow (`lines`, and one module a topic), stored
(`write`) with the places it came from, and only then committed. What is stored is asked of ClickHouse
itself (`stored`), at the start and after every failure, so there is one way to recover: begin anew.
"""
