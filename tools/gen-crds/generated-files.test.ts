import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { flaggerCrds } from "#api";
import { generatedFiles } from "./generated-files.ts";

const root = join(import.meta.dirname, "../..");
const files = generatedFiles(root);

test.each(files.map(({ path, text }) => [path, text] as const))("%s is what the generator makes", (path, text) => {
  expect(existsSync(join(root, path)), "missing; run npm run gen:crds").toBe(true);
  expect(readFileSync(join(root, path), "utf8"), "stale; run npm run gen:crds").toBe(text);
});

test.each(["deploy/crds", "deploy/chart/serin/crds"])(
  "%s holds the definitions of src/api and nothing else",
  (folder) => {
    const found = readdirSync(join(root, folder)).map((name) => parse(readFileSync(join(root, folder, name), "utf8")));
    const byName = (a: { metadata: { name: string } }, b: { metadata: { name: string } }) =>
      a.metadata.name.localeCompare(b.metadata.name);
    // Through JSON, which has no undefined fields.
    const wanted = JSON.parse(JSON.stringify(flaggerCrds()));
    expect(found.toSorted(byName)).toEqual(wanted.toSorted(byName));
  },
);

test.each(files.map(({ path, text }) => [path, text] as const))("%s says the same in YAML 1.1", (_, text) => {
  const read = (version: "1.1" | "1.2"): unknown[] => parseAllDocuments(text, { version }).map((one) => one.toJS());
  expect(read("1.1")).toEqual(read("1.2"));
});

const docs = ["README.md", "docs/install.md", "docs/migrate-from-flagger.md"];

test.each(docs)("%s: every path below deploy/ that it names exists", (path) => {
  const named = [...readFileSync(join(root, path), "utf8").matchAll(/\bdeploy\/[\w./-]*\w/g)].map(([name]) => name);
  expect(named.length).toBeGreaterThan(0);
  for (const name of named) expect(existsSync(join(root, name)), name).toBe(true);
});

test.each(docs.slice(1))("%s: every value of the chart that it names is one", (path) => {
  const schema: unknown = JSON.parse(readFileSync(join(root, "deploy/chart/serin/values.schema.json"), "utf8"));
  const text = readFileSync(join(root, path), "utf8");
  const set = [...text.matchAll(/(?:--set |`)([a-zA-Z]+(?:\.[a-zA-Z]+)+)=/g)].map(([, name = ""]) => name);
  const table = /\| value \|[\s\S]*?\n\n/.exec(text)?.[0] ?? "";
  const first = [...table.matchAll(/^\|([^|]*)\|/gm)].flatMap(
    ([, cell = ""]) => cell.match(/(?<=`)[\w.]+(?=`)/g) ?? [],
  );
  const names = [...set, ...first];
  expect(names.length).toBeGreaterThan(5);
  // Of parts of Flagger's chart that are refused, the schema keeps no more than the first name.
  const refused = ["prometheus", "controlplane", "linkerdAuthPolicy"];
  for (const name of names) {
    let at = schema as { properties?: Record<string, object> } | undefined;
    const parts = name.split(".");
    for (const part of refused.includes(parts[0] ?? "") ? parts.slice(0, 1) : parts) at = at?.properties?.[part];
    expect(at, `${name} is a value of the chart`).toBeDefined();
  }
});
