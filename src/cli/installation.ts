import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "#base";
import manifest from "../../package.json" with { type: "json" };

/** Where this program is installed: the folder of the bundled entries, whose parent holds examples/. */
export const PROGRAM_DIRECTORY = dirname(fileURLToPath(import.meta.url));

/** Version of the package. */
export const VERSION: string = manifest.version;

/**
 * Finds a folder of examples/ beside the program.
 *
 * @throws Failure `MissingExamples` naming the folder.
 */
export function findExamples(name: string): string {
  const path = join(PROGRAM_DIRECTORY, "..", "examples", name);
  if (!existsSync(path))
    throw new Failure(`Cannot find the example manifests in "${path}"; run from a complete installation`, {
      code: "MissingExamples",
    });
  return path;
}
