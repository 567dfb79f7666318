import { expect, test } from "vitest";
import { rooms } from "./rooms.ts";
import { checkSources } from "./rules.ts";
import { parseSource } from "./sources.ts";

function messages(files: Readonly<Record<string, string>>): string[] {
  return checkSources(Object.entries(files).map(([path, text]) => parseSource(path, text))).map(
    ({ path, line, message }) => `${path}:${line}: ${message}`,
  );
}

test.each([
  ["src/operator/a.ts", "#cluster", 'room "operator" must not import room "cluster"'],
  ["src/cluster/store/a.ts", "#operator", 'room "cluster" must not import room "operator"'],
  ["src/cluster/store/a.ts", "#rollout", 'room "cluster" must not import room "rollout"'],
  ["src/base/a.ts", "#api", 'room "base" must not import room "api"'],
  ["src/promql/a.ts", "#api", 'room "promql" must not import room "api"'],
  ["src/kube/a.ts", "#cli", 'room "kube" must not import room "cli"'],
  ["src/kube/a.ts", "#testing", 'room "kube" must not import room "testing"'],
  ["src/mesh/a.ts", "#nowhere", 'room "mesh" must not import room "nowhere"'],
  ["src/kube/a.ts", "#kube", 'imports its own room by "#kube"; use a relative path'],
  ["src/kube/a.ts", "../api/meta.ts", 'leaves room "kube" by a relative path; import the other room\'s door "#…"'],
  ["src/kube/a.ts", "../../tools/a.ts", 'leaves room "kube" by a relative path; import the other room\'s door "#…"'],
  [
    "src/cluster/a/b.ts",
    "../store/disk.ts",
    'enters sub-room "store" past its door; import src/cluster/store/index.ts',
  ],
  ["src/cluster/a.ts", "./store/disk.ts", 'enters sub-room "store" past its door; import src/cluster/store/index.ts'],
  ["src/rollout/a.ts", "node:fs", 'pure code must not import "node:fs"; take a port from #base'],
  ["src/mesh/routing/a.ts", "node:net", 'pure code must not import "node:net"; take a port from #base'],
  ["src/api/a.ts", "undici", 'pure code must not import "undici"; take a port from #base'],
  ["src/promql/a.ts", "re2js-more", 'pure code must not import "re2js-more"; take a port from #base'],
  ["src/rollout/a.ts", "pino", 'pure code must not import "pino"; take a port from #base'],
])("imports: %s must not import %s", (path, target, message) => {
  expect(messages({ [path]: `\nimport { a } from "${target}";\n` })).toEqual([`${path}:2: ${message}`]);
});

test.each([
  ["src/operator/a.ts", "#rollout"],
  ["src/cluster/store/a.ts", "#kube"],
  ["src/cluster/store/a.ts", "./disk.ts"],
  ["src/cluster/store/a.ts", "../ports.ts"],
  ["src/cluster/start-cluster.ts", "./store/index.ts"],
  ["src/cluster/proxy/a.ts", "../store/index.ts"],
  ["src/kube/nested/a.ts", "../other/b.ts"],
  ["src/kube/a.ts", "node:fs"],
  ["src/mesh/net/a.ts", "node:net"],
  ["src/promql/a.ts", "re2js"],
  ["src/api/a.ts", "@marcbachmann/cel-js/evaluator"],
  ["src/cli/a.ts", "../../package.json"],
  ["src/kube/a.test.ts", "#testing"],
  ["src/kube/a.test.ts", "#promql"],
  ["src/rollout/a.test.ts", "node:fs"],
  ["tools/a.ts", "../src/cluster/store/disk.ts"],
])("imports: %s may import %s", (path, target) => {
  expect(messages({ [path]: `import { a } from "${target}";\n` })).toEqual([]);
});

test("imports: every spelling is seen", () => {
  const spellings = [
    'import type { A } from "#cluster";',
    'import {\n  a,\n  type B,\n} from "#cluster";',
    'export { a } from "#cluster";',
    'export * from "#cluster";',
    'import "#cluster";',
    'const { a } = await import("#cluster");',
    'type A = import("#cluster").A;',
  ];
  for (const spelling of spellings) {
    expect(messages({ "src/operator/a.ts": `${spelling}\n` }), spelling).toEqual([
      expect.stringContaining('room "operator" must not import room "cluster"'),
    ]);
  }
});

test("imports: the matrix names rooms that exist, has no cycle, and keeps operator, cluster and simulator apart", () => {
  const reachable = (name: string, seen = new Set<string>()): Set<string> => {
    for (const other of rooms[name]!.mayImport) {
      expect(rooms).toHaveProperty(other);
      if (!seen.has(other)) reachable(other, seen.add(other));
    }
    return seen;
  };
  for (const name of Object.keys(rooms)) expect(reachable(name)).not.toContain(name);
  const apart = ["operator", "cluster", "simulator"];
  for (const name of apart) for (const other of apart) expect(reachable(name)).not.toContain(other);
  for (const [name, { isPure, mayImport }] of Object.entries(rooms))
    if (isPure) for (const other of mayImport) expect(rooms[other]!.isPure, `${name} → ${other}`).toBe(true);
});

test("rooms: a folder that is no room is reported once", () => {
  expect(messages({ "src/misc/a.ts": 'import { a } from "#base";\n' })).toEqual([
    "src/misc/a.ts:1: src/misc is not a room; add it to tools/tidy/rooms.ts with a design note",
  ]);
});

test("cycles: found between files and through doors, type-only imports included; a diamond is none", () => {
  expect(
    messages({
      "src/kube/a.ts": 'import { b } from "./b.ts";\n',
      "src/kube/b.ts": 'import { c } from "./c.ts";\n',
      "src/kube/c.ts": 'import type { A } from "./a.ts";\n',
    }),
  ).toEqual(["src/kube/a.ts:1: import cycle src/kube/a.ts → src/kube/b.ts → src/kube/c.ts → src/kube/a.ts"]);
  expect(
    messages({
      "src/kube/index.ts": 'export { a } from "./a.ts";\n',
      "src/kube/a.ts": 'import { z } from "#base";\n',
      "src/base/index.ts": 'export { z } from "./z.ts";\n',
      "src/base/z.ts": 'import { a } from "#kube";\n',
    }),
  ).toContainEqual(expect.stringContaining("import cycle src/kube/index.ts → src/kube/a.ts → src/base/index.ts"));
  expect(
    messages({
      "src/kube/a.ts": 'import { b } from "./b.ts";\nimport { c } from "./c.ts";\n',
      "src/kube/b.ts": 'import { d } from "./d.ts";\n',
      "src/kube/c.ts": 'import { d } from "./d.ts";\n',
      "src/kube/d.ts": "export const d = 1;\n",
    }),
  ).toEqual([]);
});

test.each([
  ["src/kube/a.ts", "enum Color { Red }", "no enums"],
  ["src/kube/a.ts", "const a = b as any;", "no any"],
  ["src/kube/a.ts", "function f(a: any): void {}", "no any"],
  ["src/kube/a.ts", "export default 1;", "no default exports"],
  ["src/rollout/a.ts", "const now = Date.now();", "pure code reads no clock"],
  ["src/rollout/a.ts", "const now = new Date();", "pure code reads no clock"],
  ["src/mesh/routing/a.ts", "setTimeout(f, 1);", "pure code has no effects"],
  ["src/api/a.ts", "console.log(1);", "pure code has no effects"],
  ["src/kube/a.ts", "const x = Math.random();", "use a Random port"],
  ["src/kube/a.test.ts", "test.only(f);", "remove .only"],
  ["src/kube/a.ts", `// ${"TO"}DO later`, `no ${"TO"}DO in the tree`],
  ["src/kube/a.ts", `// @ts-${"ignore"}`, "no such comment"],
])("bans: %s with %j", (path, code, message) => {
  expect(messages({ [path]: `\n${code}\n` })).toEqual([expect.stringMatching(new RegExp(`^${path}:2: .*${message}`))]);
});

test.each([
  ["src/kube/a.ts", "const now = Date.now();"],
  ["src/kube/system-ports.ts", "const x = Math.random();"],
  ["src/rollout/a.ts", "const at = new Date(text);"],
  ["src/rollout/a.test.ts", "const now = Date.now();"],
  ["src/kube/a.ts", "// no enum Color { Red } here, and nothing as any"],
  ["src/kube/a.ts", "/* export default */"],
  ["src/kube/a.ts", 'const text = "test.only(";'],
  ["src/kube/a.ts", "const anything: anything = company;"],
  ["tools/a.ts", "export default 1;"],
])("bans: %s may have %j", (path, code) => {
  expect(messages({ [path]: `${code}\n` })).toEqual([]);
});

test("shape: the limit on lines, names for no thing, and names that are not kebab-case", () => {
  const lines = (count: number) => "const a = 1;\n".repeat(count);
  expect(messages({ "src/kube/a.ts": lines(500), "src/kube/a.test.ts": lines(800) })).toEqual([]);
  expect(messages({ "src/kube/a.ts": lines(501) })).toEqual([expect.stringContaining("501 lines, the limit is 500")]);
  expect(messages({ "src/kube/a.test.ts": lines(801) })).toEqual([expect.stringContaining("the limit is 800")]);
  for (const name of ["util", "utils", "helpers", "common", "types", "misc"])
    expect(messages({ [`src/kube/${name}.ts`]: "" })).toEqual([expect.stringContaining("is named for no thing")]);
  expect(messages({ "src/kube/pod-types.ts": "" })).toEqual([]);
  expect(messages({ "src/kube/podTypes.ts": "" })).toEqual([expect.stringContaining("is not kebab-case")]);
});
