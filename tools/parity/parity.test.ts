import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { parseParity, verdictOf, verdicts } from "./parity-table.ts";
import { namesTest, titlesOf } from "./test-titles.ts";

const markdown = readFileSync("docs/parity.md", "utf8");
const rows = parseParity(markdown);
const files = ["src", "tools", "test"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)),
);
const testFiles = files.filter((path) => path.endsWith(".test.ts"));

/** The cases that a test file reads from JSON beside it. */
function casesOf(path: string): string {
  const folder = `${dirname(path)}/`;
  const beside = files.filter((other) => other.startsWith(folder) && other.endsWith(".json"));
  return beside.map((other) => readFileSync(other, "utf8")).join("\n");
}

test("docs/parity.md: every test that it names is there", () => {
  const known = new Map<string, { text: string; cases: string }>();
  const faults: string[] = [];
  for (const { section, what, tests } of rows) {
    for (const { file, title } of tests) {
      const paths = testFiles.filter((path) => path === file || path.endsWith(`/${file}`));
      const [path] = paths;
      if (path === undefined || paths.length > 1) {
        faults.push(`${section} ${what}: ${paths.length} files are called ${file}`);
        continue;
      }
      const found = known.get(path) ?? { text: readFileSync(path, "utf8"), cases: casesOf(path) };
      known.set(path, found);
      if (title === "" || !namesTest(title, found)) faults.push(`${section} ${what}: ${file} has no test "${title}"`);
    }
  }
  expect(faults).toEqual([]);
});

test("docs/parity.md: every row says how it stands, and has a test or a reason for having none", () => {
  const faults = rows.flatMap((row) => {
    const verdict = verdictOf(row);
    const at = `${row.section} ${row.what}`;
    if (verdict === undefined) return [`${at}: "${row.serin}" begins with no verdict`];
    if (verdicts[verdict].needsTest) return row.tests.length === 0 ? [`${at}: has no test`] : [];
    return row.serin.length > verdict.length + 10 ? [] : [`${at}: is ${verdict} without a reason`];
  });
  expect(faults).toEqual([]);
});

test.each([
  ["pinned", 57],
  ["weakness", 39],
  ["claim", 11],
])("docs/parity.md: each %s of %i has exactly one row", (word, count) => {
  const numbers = rows.flatMap(({ what }) => {
    const number = new RegExp(`^${word} (\\d+)\\b`).exec(what)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
  expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1));
});

test("docs/parity.md: each section of Flagger's behaviour has rows, and its links lead somewhere", () => {
  const sections = new Set(rows.map(({ section }) => section));
  for (const section of ["1", "2", "3", "4", "5", "6", "7", "8"])
    expect([...sections].some((found) => found.startsWith(`${section}.`))).toBe(true);
  expect(sections).toContain("A");
  const headings = readFileSync("docs/flagger-differences.md", "utf8").matchAll(/^## (.*)$/gm);
  const anchors = [...headings].map(([, heading = ""]) => heading.toLowerCase().replaceAll(" ", "-"));
  const links = [...markdown.matchAll(/^\[([\w-]+)\]: flagger-differences\.md#(\S+)$/gm)];
  for (const [, , anchor] of links) expect(anchors).toContain(anchor);
  const names = links.map(([, name]) => name);
  for (const { serin } of rows)
    for (const [, name] of serin.matchAll(/\[([\w-]+)\](?!\()/g)) expect(names).toContain(name);
});

test("parseParity: sections, cells and tests, also where a title has a semicolon", () => {
  const text = `## 2.9 Phases
| what | Serin | test |
|---|---|---|
| a to b | same | \`x.test.ts\`: one; two; \`y/z.test.ts\`: three |
| b to c | not executed: nobody asks for it | |
| a | row | with | four |`;
  expect(parseParity(text)).toEqual([
    {
      section: "2.9",
      what: "a to b",
      serin: "same",
      tests: [
        { file: "x.test.ts", title: "one; two" },
        { file: "y/z.test.ts", title: "three" },
      ],
    },
    { section: "2.9", what: "b to c", serin: "not executed: nobody asks for it", tests: [] },
    { section: "2.9", what: "a", serin: "", tests: [] },
  ]);
});

test("titlesOf and namesTest: plain titles, cases, and what is not there", () => {
  const text = `
    test("decide: plain", () => {});
    test.each([["one"], ["two"]])("decide: %s is done (pinned %i)", () => {});
    test.skipIf(isMissing)(
      "chart: a title on a line of its own", () => {});
    expect(call("no title"));`;
  expect(titlesOf(text)).toEqual([
    "decide: plain",
    "decide: %s is done (pinned %i)",
    "chart: a title on a line of its own",
  ]);
  const file = { text, cases: "7" };
  for (const reference of ["decide: plain", "plain", "decide: two is done (pinned 7)", "%s is done"])
    expect(namesTest(reference, file), reference).toBe(true);
  for (const reference of ["decide: three is done (pinned 7)", "decide: other", "no title"])
    expect(namesTest(reference, file), reference).toBe(false);
});
