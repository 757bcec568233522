/**
 * A value bound to a statement, where it is compared with what an index is over. Standing alone it would be compared with the terms of
 * partial indexes whenever the statement is prepared, and SQLite would then prepare it anew each time another value is bound
 * (`sqlite3_prepare_v2`, its note on the query planner): five times the cost of a short query. The same goes for a bound `LIMIT`.
 */
export const BOUND = '+?';
