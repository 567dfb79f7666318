/** A piece of an address that is shorter is a word, such as `api`, and no secret. */
const MIN_PIECE_LENGTH = 6;

/** The forms in which servers repeat a secret: as it is, in base64, in a URL and in JSON. */
export function formsOf(secret: string): readonly string[] {
  const text = secret.trim();
  if (text === "") return [];
  const base64 = Buffer.from(text).toString("base64");
  const forms = [text, base64, base64.replace(/=+$/, ""), Buffer.from(text).toString("base64url")];
  return [secret, ...forms, encoded(text), JSON.stringify(text).slice(1, -1)];
}

/** What must not be told of an address that is no secret as a whole: who logs in with it, and its query. */
export function loginOf(address: string): readonly string[] {
  if (!URL.canParse(address)) return address === "" ? [] : [address];
  const { username, password, search, searchParams } = new URL(address);
  const [user, pass] = [decoded(username), decoded(password)];
  const pair = user === "" && pass === "" ? [] : [`${user}:${pass}`, `${username}:${password}`];
  const values = [...searchParams.values()].filter((value) => value.length >= MIN_PIECE_LENGTH);
  const long = user.length >= MIN_PIECE_LENGTH ? [username, user] : [];
  return [...[...pair, pass, ...long, ...values].flatMap(formsOf), password, search.length > 1 ? search : ""];
}

/** What must not be told of an address that is itself the key: its path, too, is what lets its holder post. */
export function secretsOf(address: string): readonly string[] {
  if (!URL.canParse(address)) return [address];
  const { pathname, search } = new URL(address);
  const pieces = [`${pathname}${search}`, pathname, ...pathname.split("/")];
  const long = [...pieces, ...pieces.map(decoded)].filter((piece) => piece.length >= MIN_PIECE_LENGTH);
  return [address, ...long, ...loginOf(address)];
}

function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    // Half of a pair of surrogates, which no address holds.
    return text;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
