import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runScript } from "./script/index.ts";

const TESTDATA = join(import.meta.dirname, "testdata");

test.each(readdirSync(TESTDATA).filter((name) => name.endsWith(".test")))("runScript: every case of %s", (name) => {
  const outcomes = runScript(readFileSync(join(TESTDATA, name), "utf8"));
  expect(outcomes.length).toBeGreaterThan(5);
  expect(outcomes.filter(({ failure }) => failure !== undefined)).toEqual([]);
});

test("runScript: a wrong expectation is a failure, a wrong line an error that names it", () => {
  const [value] = runScript("load 10s\n  a 1\n\neval instant at 0 a\n  a 2\n");
  expect(value?.failure).toBe('{__name__="a"}: expected 2, got 1');
  const [missing] = runScript('eval instant at 0 vector(1)\n  {a="b"} 1\n');
  expect(missing?.failure).toContain('expected {a="b"}');
  const [surplus] = runScript("eval range from 0 to 10 step 10 vector(1)\n");
  expect(surplus?.failure).toContain("expected 0 series");
  const [note] = runScript("eval instant at 0 quantile(2, vector(1))\n  expect no_warn\n  {} +Inf\n");
  expect(note?.failure).toContain("expected no warning");
  expect(() => runScript("load 10s\n  a 1\nload x\n")).toThrow("line 3");
});
