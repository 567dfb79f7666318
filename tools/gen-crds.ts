import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { generatedFiles } from "./gen-crds/generated-files.ts";

/** `npm run gen:crds`: writes the generated files of deploy/, from the repository's root. */
function main(): void {
  const files = generatedFiles(".");
  for (const { path, text } of files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  console.log(`wrote ${files.length} files below deploy/`);
}

main();
