/**
 * Splits CSV into rows of fields. A field in quotes may hold commas, line ends and doubled quotes; an empty line is a row of
 * one empty field. Undefined when a quote is not closed, or is closed in the middle of a field. Source: RFC 4180.
 */
export function parseCsv(text: string): readonly (readonly string[])[] | undefined {
  const rows: string[][] = [];
  let row: string[] = [];
  // One field and what ends it. Each match takes at least what ends it, so the walk ends with the text.
  const field = /(?:"([^"]*(?:""[^"]*)*)"|((?!")[^,\r\n]*))(,|\r?\n|\r|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) return undefined;
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === ",") {
      // A comma at the very end has an empty field behind it.
      if (field.lastIndex === text.length) row.push("");
      continue;
    }
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}
