/** User and password that a URL names, decoded; undefined when it names none. */
export function loginOf({
  username,
  password,
}: URL): { readonly username: string; readonly password: string } | undefined {
  if (username === "" && password === "") return undefined;
  return { username: decoded(username), password: decoded(password) };
}

/** Percent-decodes; text that is not encoded properly stays as it is. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The value of a header that logs in. Source: RFC 7617. */
export function basicLogin({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** What no message may show of a URL: its password, as written, decoded, and as a header would hold it. */
export function secretsOfUrl(url: URL): readonly string[] {
  const login = loginOf(url);
  if (login === undefined || url.password === "") return [];
  const header = basicLogin(login).slice("Basic ".length);
  return [url.password, login.password, `${login.username}:${login.password}`, header];
}
