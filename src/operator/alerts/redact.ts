/** A piece of an address that is shorter is a word, such as `api`, and no secret. */
const MIN_SECRET_LENGTH = 6;

/** What must not be told of an address: its path and query are what lets its holder post. */
export function secretsOf(address: string): readonly string[] {
  if (!URL.canParse(address)) return [address];
  const { pathname, search, searchParams, username, password } = new URL(address);
  const pieces = [
    `${pathname}${search}`,
    pathname,
    search,
    username,
    password,
    ...pathname.split("/"),
    ...searchParams.values(),
  ];
  return [address, ...pieces, ...pieces.map(decoded)];
}

/** Replaces secrets in what others wrote, the longest first. */
export function redact(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret.length >= MIN_SECRET_LENGTH).sort((a, b) => b.length - a.length);
  return known.reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
