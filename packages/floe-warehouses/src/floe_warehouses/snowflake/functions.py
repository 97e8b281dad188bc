"""Snowflake's functions that depend only on their arguments.

From the function reference (docs.snowflake.com/en/sql-reference/functions-all). Left out are
functions of the time, the session, random numbers and sequences, of stages, models and metadata,
approximate aggregates, and rare functions.
"""

from __future__ import annotations

_CONDITIONS = (
    "booland boolnot boolor boolxor coalesce decode div0 div0null equal_null greatest "
    "greatest_ignore_nulls iff ifnull is_null_value least least_ignore_nulls nullif nullifzero "
    "nvl nvl2 regr_valx regr_valy zeroifnull"
)
_NUMBERS = (
    "abs acos acosh asin asinh atan atan2 atanh cbrt ceil cos cosh cot degrees exp factorial floor "
    "haversine ln log mod pi pow power radians round sign sin sinh sqrt square tan tanh trunc "
    "truncate width_bucket bitand bitnot bitor bitshiftleft bitshiftright bitxor"
)
_TEXTS = (
    "ascii base64_decode_binary base64_decode_string base64_encode bit_length charindex chr char "
    "collate collation concat concat_ws contains editdistance endswith hex_decode_binary "
    "hex_decode_string hex_encode initcap insert jarowinkler_similarity left length len lower lpad "
    "ltrim md5 md5_hex md5_binary md5_number_lower64 md5_number_upper64 octet_length parse_ip "
    "parse_url position regexp_count regexp_instr regexp_like regexp_replace regexp_substr "
    "regexp_substr_all repeat replace reverse right rlike rpad rtrim rtrimmed_length sha1 sha1_hex "
    "sha1_binary sha2 sha2_hex sha2_binary soundex space split split_part split_to_table "
    "startswith strtok strtok_to_array strtok_split_to_table substr substring translate trim "
    "unicode upper"
)
_TIMES = (
    "add_months convert_timezone date date_from_parts date_part date_trunc dateadd datediff "
    "datefromparts day dayname dayofmonth dayofweek dayofweekiso dayofyear extract hour last_day "
    "minute month monthname months_between next_day previous_day quarter second time "
    "time_from_parts time_slice timeadd timediff timefromparts timestamp_from_parts "
    "timestamp_ltz_from_parts timestamp_ntz_from_parts timestamp_tz_from_parts timestampadd "
    "timestampdiff timestamp_ltz timestamp_ntz timestamp_tz timestamp week weekiso weekofyear year "
    "yearofweek yearofweekiso"
)
_CONVERSIONS = (
    "to_array to_binary to_boolean to_char to_date to_decimal to_double to_json to_number "
    "to_numeric to_object to_time to_timestamp to_timestamp_ltz to_timestamp_ntz to_timestamp_tz "
    "to_varchar to_variant to_xml try_base64_decode_binary try_base64_decode_string "
    "try_hex_decode_binary try_hex_decode_string try_parse_json try_to_binary try_to_boolean "
    "try_to_date try_to_decimal try_to_double try_to_number try_to_numeric try_to_time "
    "try_to_timestamp try_to_timestamp_ltz try_to_timestamp_ntz try_to_timestamp_tz"
)
_PARTS = (
    "array_append array_cat array_compact array_construct array_construct_compact array_contains "
    "array_distinct array_except array_flatten array_generate_range array_insert "
    "array_intersection array_max array_min array_position array_prepend array_remove "
    "array_remove_at array_reverse array_size array_slice array_sort array_to_string "
    "arrays_overlap arrays_to_object arrays_zip as_array as_binary as_boolean as_char as_date "
    "as_decimal as_double as_integer as_number as_object as_real as_time as_timestamp_ltz "
    "as_timestamp_ntz as_timestamp_tz as_varchar check_json filter flatten get get_ignore_case "
    "get_path is_array is_binary is_boolean is_char is_date is_decimal is_double is_integer "
    "is_null_value is_object is_real is_time is_timestamp_ltz is_timestamp_ntz is_timestamp_tz "
    "is_varchar json_extract_path_text object_construct object_construct_keep_null object_delete "
    "object_insert object_keys object_pick parse_json parse_xml reduce strip_null_value transform "
    "typeof xmlget hash"
)
_AGGREGATES = (
    "any_value array_agg array_union_agg array_unique_agg avg bitand_agg bitor_agg bitxor_agg "
    "booland_agg boolor_agg boolxor_agg corr count count_if covar_pop covar_samp grouping "
    "grouping_id hash_agg kurtosis listagg max max_by median min min_by mode object_agg "
    "percentile_cont percentile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 "
    "regr_slope regr_sxx regr_sxy regr_syy skew stddev stddev_pop stddev_samp sum variance "
    "variance_pop variance_samp var_pop var_samp"
)
_WINDOWS = (
    "conditional_change_event conditional_true_event cume_dist dense_rank first_value lag "
    "last_value lead nth_value ntile percent_rank rank ratio_to_report row_number"
)
STEADY = frozenset(
    " ".join(
        (_CONDITIONS, _NUMBERS, _TEXTS, _TIMES, _CONVERSIONS, _PARTS, _AGGREGATES, _WINDOWS)
    ).split()
)
