import { readFileSync } from "node:fs";
import { checkSources, type Finding } from "./tidy/rules.ts";
import { readSources } from "./tidy/sources.ts";

/**
 * House rules as a test: who imports whom, no cycles, file limits, banned constructs with their replacement named, and a
 * list of dependencies that matches the document that gives their reasons.
 */
function main(): void {
  const sources = readSources(["src", "test", "tools"]);
  const findings = [...checkSources(sources), ...checkDependencies()];
  for (const { path, line, message } of findings) console.log(`${path}:${line}: ${message}`);
  // A reader that finds nothing to read would pass everything.
  if (sources.length < 40) {
    console.log(`tidy saw only ${sources.length} files; run it from the repository's root`);
    process.exitCode = 1;
  }
  console.log(`tidy: ${sources.length} files, ${findings.length} findings`);
  if (findings.length > 0) process.exitCode = 1;
}

function checkDependencies(): Finding[] {
  const declared = Object.keys(
    (JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: object }).dependencies,
  );
  const path = "docs/design/dependencies.md";
  const reasons = readFileSync(path, "utf8");
  return declared
    .filter((name) => !reasons.includes(name))
    .map((name) => ({ path, line: 1, message: `gives no reason for the dependency ${name}` }));
}

main();
