/** Replaces secrets in what others wrote, the longest first: one may begin with another. Empty ones are passed over. */
export function redact(text: string, secrets: Iterable<string>, mark = "***"): string {
  const known = [...new Set(secrets)].filter((secret) => secret !== "").sort((a, b) => b.length - a.length);
  return known.reduce((rest, secret) => rest.replaceAll(secret, mark), text);
}
