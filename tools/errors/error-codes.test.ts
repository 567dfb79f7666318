import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseSource, readSources } from "../tidy/sources.ts";
import { codesOfDocument, codesOfSources } from "./error-codes.ts";

const isEntry = (path: string) => path.startsWith("src/cli/bin/");
const documented = codesOfDocument(readFileSync("docs/errors.md", "utf8"));

test("docs/errors.md has a section for each code of the sources, and for no other", () => {
  expect([...documented].sort()).toEqual([...codesOfSources(readSources(["src"]), isEntry)].sort());
});

test("docs/errors.md: each section says what happened and what to do", () => {
  const [, ...sections] = readFileSync("docs/errors.md", "utf8").split(/^### .*$/m);
  expect(sections).toHaveLength(documented.length);
  for (const section of sections) expect(section).toMatch(/^\n\n\S.+\n\n\*\*What to do\.\*\* \S/);
});

test("codesOfSources: finds the codes of every room, so that a reader which has gone blind is noticed", () => {
  const found = codesOfSources(readSources(["src"]), isEntry);
  // Compared with a plain search for one spelling, which needs none of the reader's rules.
  const plain = readSources(["src/cluster", "src/kube"])
    .filter(({ isTest }) => !isTest)
    .flatMap(({ lines }) => [...lines.join("\n").matchAll(/new Failure\([^;]*?\bcode: "(\w+)"/g)])
    .map(([, code]) => code);
  expect(plain.length).toBeGreaterThan(30);
  for (const code of plain) expect(found).toContain(code);
  expect(found.size).toBeGreaterThan(70);
});

test("codesOfSources: reads each way to write a code", () => {
  const text = `
    throw new Failure("x", { code: "Plain" });
    reject(new Failure("x", { code: isTaken ? "First" : "Second", cause }));
    const code = cause instanceof ApiFailure ? cause.code : "Fallback";
    constructor(message: string, code: Fault["name"] = "default-value") {}
    readonly code: "left" | "right";
    export type DoorCode =
      | "Open"
      | "Shut";
    throw new Failure("x", {
      code: isLong
        ? "Long"
        : "Short",
    });`;
  expect(codesOfSources([parseSource("src/kube/a.ts", text)], () => true)).toEqual(
    new Set([
      "Plain",
      "First",
      "Second",
      "Fallback",
      "default-value",
      "left",
      "right",
      "Open",
      "Shut",
      "Long",
      "Short",
    ]),
  );
});

test("codesOfSources: leaves out comparisons, numbers, comments and files that no entry imports", () => {
  const entry = `import { a } from "./a.ts";
    if (thrown.code === "EADDRINUSE" || thrown.code == "X") return { code: 200 };
    const code = "code" in cause ? cause.code : undefined;
    // code: "InComment"
    /* code: "InBlock" */`;
  const sources = [
    parseSource("src/cli/bin/serin.ts", entry),
    parseSource("src/cli/bin/a.ts", 'const code = "Reached";'),
    parseSource("src/kube/harness.ts", 'const code = "OnlyInTests";'),
  ];
  expect(codesOfSources(sources, (path) => path.endsWith("serin.ts"))).toEqual(new Set(["Reached"]));
});
