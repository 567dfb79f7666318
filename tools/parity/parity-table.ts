/** One row of docs/parity.md. */
export interface ParityRow {
  /** The number of its section of Flagger's behaviour, such as `2.9`. */
  readonly section: string;
  readonly what: string;
  /** Begins with a {@link Verdict}. */
  readonly serin: string;
  readonly tests: readonly TestReference[];
}

export interface TestReference {
  /** The end of the file's path. */
  readonly file: string;
  readonly title: string;
}

/** How a row begins, and whether it goes without a test. */
export const verdicts = {
  same: { needsTest: true },
  different: { needsTest: true },
  more: { needsTest: true },
  "not executed": { needsTest: false },
  argued: { needsTest: false },
} as const satisfies Readonly<Record<string, { readonly needsTest: boolean }>>;

export type Verdict = keyof typeof verdicts;

const FILE = /`([\w./-]+\.test\.ts)`: /g;

/** Reads the tables: every row below a heading that begins with a number. */
export function parseParity(markdown: string): ParityRow[] {
  const rows: ParityRow[] = [];
  let section = "";
  for (const line of markdown.split("\n")) {
    section = /^#{2,3} ([0-9A]+(?:\.[0-9]+)*) /.exec(line)?.[1] ?? section;
    if (!line.startsWith("| ")) continue;
    const [what = "", serin = "", test = "", ...more] = cellsOf(line);
    if (what === "what") continue;
    // A row with other than three cells is broken, and must not go unnoticed.
    rows.push({ section, what, serin: more.length === 0 ? serin : "", tests: referencesOf(test) });
  }
  return rows;
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
}

function referencesOf(cell: string): TestReference[] {
  const found = [...cell.matchAll(FILE)];
  return found.map((match, index) => {
    const end = found[index + 1]?.index ?? cell.length;
    const title = cell.slice(match.index + match[0].length, end).replace(/;\s*$/, "");
    return { file: match[1] ?? "", title: title.trim() };
  });
}

/** The verdict that a row begins with; undefined for none. */
export function verdictOf({ serin }: ParityRow): Verdict | undefined {
  return (["same", "different", "more", "not executed", "argued"] as const).find((verdict) =>
    new RegExp(`^${verdict}(?:$|[:; ,])`).test(serin),
  );
}
