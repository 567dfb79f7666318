import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "#base";
import { type CaseOutcome, runScript } from "../src/promql/script/index.ts";

const DEFAULT_DIRECTORY = "../shared/conformance/promql";

/** Runs every `.test` file of a directory, prints each failure and, as the last line, `N passed, N failed`. */
function main(): void {
  const directory = process.argv[2] ?? DEFAULT_DIRECTORY;
  const files = listFiles(directory);
  let passed = 0;
  let failed = 0;
  for (const file of files) {
    const outcomes = runFile(join(directory, file));
    const failures = outcomes.filter(({ failure }) => failure !== undefined);
    for (const outcome of failures) console.log(describe(file, outcome));
    const native = failures.filter(({ needsNativeHistograms }) => needsNativeHistograms).length;
    const note = native === 0 ? "" : ` (${native} of them with native histograms in their data)`;
    console.log(`${file}: ${outcomes.length - failures.length} passed, ${failures.length} failed${note}`);
    passed += outcomes.length - failures.length;
    failed += failures.length;
  }
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

function listFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(".test"))
      .sort();
  } catch (thrown) {
    console.log(`cannot read the directory ${directory}: ${messageOf(thrown)}; name it as the first argument`);
    return [];
  }
}

/** A file that cannot be read as a script counts as one failure, so that it is not overlooked. */
function runFile(path: string): readonly CaseOutcome[] {
  try {
    return runScript(readFileSync(path, "utf8"));
  } catch (thrown) {
    return [{ line: 0, query: "", failure: `cannot run the file: ${messageOf(thrown)}`, needsNativeHistograms: false }];
  }
}

function describe(file: string, { line, query, failure, needsNativeHistograms }: CaseOutcome): string {
  const native = needsNativeHistograms ? " [native histograms]" : "";
  return `FAIL ${file}:${line}${native} ${query}\n     ${failure ?? ""}`;
}

main();
