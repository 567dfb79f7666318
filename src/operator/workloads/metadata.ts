type Metadata = Readonly<Record<string, string>> | undefined;

/** Annotations that belong to whoever wrote the target and would mislead on a copy. */
const NOT_COPIED = ["kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision"];

/** Tells which label keys go to copies: those with a prefix of the list, `*` for all. Source: flagger-spec 3.2. */
export function includesLabel(prefixes: readonly string[], key: string): boolean {
  if (isOfGitOps(key)) return false;
  return prefixes.some((prefix) => prefix === "*" || (prefix !== "" && key.startsWith(prefix)));
}

/** The entries of a map whose keys are included. */
export function includedOnly(metadata: Metadata, prefixes: readonly string[]): Record<string, string> {
  return filterKeys(metadata, (key) => includesLabel(prefixes, key));
}

/** All entries but those of GitOps tools, which would otherwise take the copy for theirs. Source: flagger-spec 3. */
export function withoutToolkit(metadata: Metadata): Record<string, string> {
  return filterKeys(metadata, (key) => !isOfGitOps(key) && !NOT_COPIED.includes(key));
}

function isOfGitOps(key: string): boolean {
  return key.includes("toolkit.fluxcd.io");
}

function filterKeys(metadata: Metadata, keep: (key: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata ?? {}).filter(([key]) => keep(key)));
}
