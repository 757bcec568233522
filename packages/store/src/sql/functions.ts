import { percentileFunctions } from '../query/percentile.ts';

const harmless = `
  abs ceil ceiling exp floor ln log log10 log2 max min mod pow power round sign sqrt trunc char concat concat_ws
  format glob hex instr length like lower ltrim octet_length printf replace rtrim substr substring trim unicode
  upper coalesce if ifnull iif likelihood likely nullif quote typeof unlikely date datetime julianday strftime
  time timediff unixepoch current_date current_time current_timestamp avg count group_concat string_agg sum
  total cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number json
  json_array json_array_length json_error_position json_extract json_group_array json_group_object json_insert
  json_object json_patch json_pretty json_quote json_remove json_replace json_set json_type json_valid -> ->>`;

/**
 * The functions a statement may call: they compute over their arguments and nothing else, and give no more than those give. Left
 * out are what reads files or settings, loads code, or makes large values of small ones, and the full-text and blob functions.
 */
export const allowedFunctions: ReadonlySet<string> = new Set([...harmless.trim().split(/\s+/), ...percentileFunctions]);

/** The tables a statement may make of a value. */
export const allowedTableFunctions: ReadonlySet<string> = new Set(['json_each', 'json_tree']);
