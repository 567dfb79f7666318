import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
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
