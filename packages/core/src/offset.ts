/**
 * A position in one partition.
 *
 * Strictly increasing, gaps allowed, meaningful only inside its own partition. A decimal string in JSON
 * (`offset.toString()`), since the offsets of some brokers do not fit a JavaScript number.
 */
export type Offset = bigint;

/**
 * Where to start or to move to.
 *
 * - `"earliest"`: the oldest record that is retained
 * - `"latest"`: the end; only records appended from now on
 * - `{ offset }`: exactly there; out of range is an error, never a silent move
 * - `{ timestamp }`: the first record at or after that time (a `Date`, or milliseconds since 1970), else the end.
 *   Right where the timestamps of a partition do not decrease.
 */
export type Position = "earliest" | "latest" | { readonly offset: Offset } | { readonly timestamp: Date | number };
