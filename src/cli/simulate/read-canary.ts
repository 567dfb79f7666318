import { readFileSync } from "node:fs";
import { type Canary, flaggerCrds, kindsFromCrd, type KubeObject, validateSchema } from "#api";
import { Failure, formatProblem, type Problem } from "#base";
import { parseManifest } from "../output/manifests.ts";

/** Descriptor of standard input, for `readFileSync`. */
const STANDARD_INPUT = 0;

/**
 * Reads the Canary of a manifest that may hold other objects too.
 *
 * @throws Failure `BadManifest` when there is none, when there are several and none is named, or when it is not a Canary's shape.
 */
export function readCanary(path: string, name: string | undefined): Canary {
  const shown = path === "-" ? "of standard input" : path;
  const canaries = parseManifest(readText(path), shown).filter(isCanary);
  const wanted = name === undefined ? canaries : canaries.filter(({ metadata }) => metadata.name === name);
  const [canary, ...others] = wanted;
  if (canary === undefined)
    throw bad(
      shown,
      name === undefined || canaries.length === 0
        ? "it has no object of kind Canary (flagger.app)"
        : `it has no Canary "${name}", but ${namesOf(canaries)}`,
    );
  if (others.length > 0) throw bad(shown, `it has several Canaries; choose one with --canary: ${namesOf(wanted)}`);
  const problems = shapeProblems(canary);
  if (problems.length > 0) throw bad(shown, problemsText(problems));
  // The schema that was just checked is the one that this type is written from.
  return canary as unknown as Canary;
}

/** Problems as lines. */
export function problemsText(problems: readonly Problem[]): string {
  return problems.map((problem) => `\n  ${formatProblem(problem)}`).join("");
}

function readText(path: string): string {
  try {
    return readFileSync(path === "-" ? STANDARD_INPUT : path, "utf8");
  } catch (cause) {
    throw new Failure(`Cannot read the manifest ${path}`, { code: "BadManifest", cause });
  }
}

function isCanary({ apiVersion, kind }: KubeObject): boolean {
  return kind === "Canary" && typeof apiVersion === "string" && apiVersion.startsWith("flagger.app/");
}

function shapeProblems(canary: KubeObject): Problem[] {
  const crd = flaggerCrds().find(({ metadata }) => metadata.name === "canaries.flagger.app");
  if (crd === undefined) return [];
  const kinds = kindsFromCrd(crd);
  const schema = kinds.ok ? kinds.value[0]?.schema : undefined;
  return schema === undefined ? [] : validateSchema(schema, canary);
}

function namesOf(canaries: readonly KubeObject[]): string {
  return canaries.map(({ metadata }) => metadata.name ?? "").join(", ");
}

function bad(shown: string, what: string): Failure {
  return new Failure(`Cannot simulate the manifest ${shown}: ${what}`, { code: "BadManifest" });
}
