-- As of `events`: merges wait until they are wide, so that a row is written anew less often, and parts up to 128 MB keep all columns in one file.
ALTER TABLE activity MODIFY SETTING merge_selector_base = 20, min_bytes_for_wide_part = 134217728;

ALTER TABLE fingerprints MODIFY SETTING merge_selector_base = 20, min_bytes_for_wide_part = 134217728;
