"""Spark's functions that depend only on their arguments.

From the reference (spark.apache.org/docs/latest/api/sql), by its groups. Left out are functions of
the time, the session, random numbers, files and partitions, those that it calls non-deterministic,
such as `first` and `collect_list`, sketches and approximate aggregates, and functions that run
other code.
"""

from __future__ import annotations

_CONDITIONS = (
    "equal_null isnan isnotnull isnull regexp_like coalesce if ifnull nanvl nullif nullifzero nvl "
    "nvl2 zeroifnull greatest least"
)
_NUMBERS = (
    "abs acos acosh asin asinh atan atan2 atanh bin bround cbrt ceil ceiling conv cos cosh cot csc "
    "degrees div e exp expm1 factorial floor hex hypot ln log log10 log1p log2 mod negative pi "
    "pmod positive pow power radians rint round sec sign signum sin sinh sqrt tan tanh try_add "
    "try_divide try_mod try_multiply try_subtract unhex width_bucket bit_count bit_get getbit "
    "shiftleft shiftright shiftrightunsigned"
)
_TIMES = (
    "add_months convert_timezone date_add date_diff date_format date_from_unix_date date_part "
    "date_sub date_trunc dateadd datediff datepart day dayname dayofmonth dayofweek dayofyear "
    "extract from_unixtime from_utc_timestamp hour last_day make_date make_dt_interval "
    "make_interval make_timestamp make_timestamp_ltz make_timestamp_ntz make_ym_interval minute "
    "month monthname months_between next_day quarter second timestamp_micros timestamp_millis "
    "timestamp_seconds to_date to_timestamp to_timestamp_ltz to_timestamp_ntz to_unix_timestamp "
    "to_utc_timestamp trunc try_make_interval try_make_timestamp try_to_date try_to_timestamp "
    "unix_date unix_micros unix_millis unix_seconds unix_timestamp weekday weekofyear year"
)
_TEXTS = (
    "ascii base64 bit_length btrim char_length character_length chr collate collation concat_ws "
    "contains decode elt encode endswith find_in_set format_number format_string initcap instr "
    "lcase left len length levenshtein locate lower lpad ltrim luhn_check mask octet_length "
    "overlay position printf regexp_count regexp_extract regexp_extract_all regexp_instr "
    "regexp_replace regexp_substr repeat replace right rpad rtrim sentences soundex space split "
    "split_part startswith substr substring substring_index to_binary to_char to_number to_varchar "
    "translate trim try_to_binary try_to_number ucase unbase64 upper parse_url try_parse_url "
    "url_decode url_encode crc32 hash md5 sha sha1 sha2 xxhash64"
)
_CONVERSIONS = "bigint boolean date double smallint timestamp tinyint typeof"
_PARTS = (
    "array array_append array_compact array_contains array_distinct array_except array_insert "
    "array_intersect array_join array_max array_min array_position array_prepend array_remove "
    "array_repeat array_size array_union arrays_overlap arrays_zip flatten get sequence slice "
    "sort_array cardinality concat element_at reverse size try_element_at map map_concat "
    "map_contains_key map_entries map_from_arrays map_from_entries map_keys map_values str_to_map "
    "named_struct struct aggregate exists filter forall map_filter map_zip_with reduce "
    "transform transform_keys transform_values zip_with explode explode_outer inline inline_outer "
    "posexplode posexplode_outer stack from_csv to_csv from_json get_json_object json_array_length "
    "json_object_keys json_tuple to_json parse_json try_parse_json variant_get try_variant_get"
)
_AGGREGATES = (
    "any avg bit_and bit_or bit_xor bool_and bool_or corr count count_if covar_pop covar_samp "
    "every grouping grouping_id kurtosis max mean median min percentile percentile_cont "
    "percentile_disc regr_avgx regr_avgy regr_count regr_intercept regr_slope regr_sxx "
    "regr_sxy regr_syy skewness some std stddev stddev_pop stddev_samp sum try_avg try_sum var_pop "
    "var_samp variance"
)
_WINDOWS = "cume_dist dense_rank lag lead ntile percent_rank rank row_number"
STEADY = frozenset(
    " ".join(
        (_CONDITIONS, _NUMBERS, _TIMES, _TEXTS, _CONVERSIONS, _PARTS, _AGGREGATES, _WINDOWS)
    ).split()
)
