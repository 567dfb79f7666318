import { expect, test } from "vitest";
import { parseBenchOptions } from "./bench-options.ts";

const names = ["capacity", "verdicts"];

test("parseBenchOptions: flags, and how many releases", () => {
  const plain = { name: "verdicts", json: false, plot: false, live: false, full: false, runCount: 20 };
  expect(parseBenchOptions(["verdicts"], names)).toEqual({ ok: true, value: plain });
  expect(parseBenchOptions(["verdicts", "--live", "--json"], names)).toEqual({
    ok: true,
    value: { ...plain, live: true, json: true },
  });
  for (const words of [
    ["--live", "--runs", "2"],
    ["--runs", "2", "--live"],
  ])
    expect(parseBenchOptions(["verdicts", ...words], names)).toEqual({
      ok: true,
      value: { ...plain, live: true, runCount: 2 },
    });
});

test.each([
  [[], '"" is no benchmark; write one of capacity, verdicts'],
  [["speed"], '"speed" is no benchmark'],
  [["verdicts", "--fast"], '"--fast" is no option'],
  [["verdicts", "2"], '"2" is no option'],
  [["verdicts", "--live", "--runs", "many"], '--runs: "many" is no number of releases; write one from 1 to 1000'],
  [["verdicts", "--live", "--runs", "0"], '--runs: "0"'],
  [["verdicts", "--live", "--runs", "1001"], '--runs: "1001"'],
  [["verdicts", "--live", "--runs"], '--runs: ""'],
  [["verdicts", "--runs", "2"], "write verdicts --live --runs N"],
  [["capacity", "--live", "--runs", "2"], "--runs is of verdicts --live alone"],
])("parseBenchOptions: refuses %j and says what to write", (argv, text) => {
  expect(parseBenchOptions(argv, names)).toMatchObject({ ok: false, error: expect.stringContaining(text) });
});
