import { err, ok, type Result } from "#base";

/** Cells of one row as the server wrote them. */
export type Row = readonly (string | null)[];

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const SPECIAL: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
  "-infinity": Number.NEGATIVE_INFINITY,
};
const QUOTED_MAX = 40;

/**
 * Reads the value out of a query's first row. KEDA reads exactly one column, and so does this: a query that gives more
 * would fail on every read there.
 *
 * Source: keda-hpa-spec 15.7; KEDA `QueryRow(…).Scan(&value)` with pgx and go-sql-driver.
 */
export function queryValue(row: Row | undefined): Result<number, string> {
  if (row === undefined) return err("the query gives no row; let it always give one, for example with count(*)");
  if (row.length !== 1) return err(`the query gives ${row.length} columns; select the one number alone`);
  const [cell = null] = row;
  if (cell === null) return err("the query gives NULL; give a number instead, for example with coalesce(…, 0)");
  const text = cell.trim();
  const value = NUMBER.test(text) ? Number(text) : SPECIAL[text.toLowerCase()];
  if (value !== undefined) return ok(value);
  const quoted = text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text;
  return err(`the query gives "${quoted}", which is no number; select a numeric column`);
}
