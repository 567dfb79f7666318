import { err, ok, type Result } from "#base";

/**
 * Reads a connection as PostgreSQL's clients write it: `host=db port=5432 …` or `postgresql://user:password@db:5432/shop?…`.
 * No error quotes the text, since it holds the password.
 *
 * Source: PostgreSQL manual, "Connection Strings"; pgx `pgconn.ParseConfig`, which KEDA uses.
 */
export interface PostgresTarget {
  /** Tried in this order. A host that begins with "/" is a folder with a socket. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly sslmode: SslMode;
  /** Files of certificates, by their parameter. */
  readonly files: Readonly<Partial<Record<"sslrootcert" | "sslcert" | "sslkey", string>>>;
  readonly sslpassword: string | undefined;
  readonly connectTimeoutMs: number | undefined;
  /** Settings of the session, such as search_path. */
  readonly settings: Readonly<Record<string, string>>;
}

export type SslMode = (typeof sslModes)[number];

const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
const DEFAULT_PORT = 5432;
const HOSTS_MAX = 16;

/** Parameters that are for the client; all others are settings of the session. */
const clientKeys = new Set([
  "host",
  "port",
  "user",
  "password",
  "dbname",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "sslpassword",
  "sslsni",
  "sslnegotiation",
  "connect_timeout",
  "target_session_attrs",
  "channel_binding",
  "passfile",
  "servicefile",
  "service",
  "krbspn",
  "krbsrvname",
]);
/** Clients of theirs that take another way to log in; nothing here could follow it. */
const refusedKeys = ["passfile", "servicefile", "service"];

type Parameters = Readonly<Record<string, string>>;

export function parsePostgresConnection(text: string): Result<PostgresTarget, string> {
  const parameters = /^postgres(?:ql)?:\/\//.test(text) ? readUrl(text) : readPairs(text);
  return parameters.ok ? postgresTarget(parameters.value) : parameters;
}

/** Makes the target of parameters that are named as in a connection string. */
export function postgresTarget(parameters: Parameters): Result<PostgresTarget, string> {
  const refused = refusedKeys.find((key) => (parameters[key] ?? "") !== "");
  if (refused !== undefined) return err(`"${refused}" is not supported; give user and password`);
  const sslmode = sslModes.find((mode) => mode === (parameters.sslmode || "prefer"));
  if (sslmode === undefined) return err(`sslmode "${parameters.sslmode ?? ""}" must be one of [${sslModes.join(" ")}]`);
  const { user = "", password = "", dbname = "", connect_timeout: timeout = "" } = parameters;
  if (user === "") return err("it names no user");
  if (!/^\d{0,6}$/.test(timeout)) return err(`connect_timeout "${timeout}" must be a whole number of seconds`);
  const hosts = readHosts(parameters);
  if (!hosts.ok) return hosts;
  const files = Object.fromEntries(
    ["sslrootcert", "sslcert", "sslkey"].flatMap((key) => (parameters[key] ? [[key, parameters[key]]] : [])),
  );
  return ok({
    hosts: hosts.value,
    user,
    password,
    database: dbname === "" ? user : dbname,
    sslmode,
    files,
    sslpassword: parameters.sslpassword,
    connectTimeoutMs: Number(timeout) > 0 ? Number(timeout) * 1000 : undefined,
    settings: Object.fromEntries(Object.entries(parameters).filter(([key]) => !clientKeys.has(key))),
  });
}

function readHosts({ host = "", port = "" }: Parameters): Result<PostgresTarget["hosts"], string> {
  const hosts = host.split(",");
  const ports = port.split(",");
  if (hosts.includes("")) return err("it names no host");
  if (hosts.length > HOSTS_MAX) return err(`it names more than ${HOSTS_MAX} hosts`);
  if (ports.length !== 1 && ports.length !== hosts.length)
    return err(`it names ${hosts.length} hosts and ${ports.length} ports; give one port, or one for each host`);
  const wrong = ports.find(
    (text) => text !== "" && !(/^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536),
  );
  // Not quoted: of a password with an unescaped "/", a part ends up here.
  if (wrong !== undefined) return err("its port is no number from 1 to 65535");
  return ok(hosts.map((name, i) => ({ host: name, port: Number(ports[i] ?? ports[0]) || DEFAULT_PORT })));
}

const URL_FORM = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/;

/** The platform's URL does not know a list of hosts. */
function readUrl(text: string): Result<Parameters, string> {
  const [, login = "", authority = "", dbname = "", query = ""] = URL_FORM.exec(text) ?? [];
  const colon = login.indexOf(":");
  const places = authority.split(",").map((place) => /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(place));
  if (!URL_FORM.test(text) || places.includes(null))
    return err("it is no valid URL; escape special characters of the password with %XX");
  try {
    const parameters: Record<string, string> = {
      user: decodeURIComponent(colon < 0 ? login : login.slice(0, colon)),
      password: colon < 0 ? "" : decodeURIComponent(login.slice(colon + 1)),
      host: places.map((place) => decodeURIComponent(place?.[1] ?? "").replace(/^\[(.*)\]$/, "$1")).join(","),
      port: places.map((place) => place?.[2] ?? "").join(","),
      dbname: decodeURIComponent(dbname),
    };
    for (const [key, value] of new URLSearchParams(query)) parameters[key === "database" ? "dbname" : key] = value;
    return ok(parameters);
  } catch {
    return err('it has a "%" that begins no %XX');
  }
}

/** One pair: a value is quoted and may hold anything, or reaches up to the next space; a backslash takes the next character as it is. */
const PAIR =
  /\s*([^\s=]+)\s*=\s*(?:'((?:[^'\\]|\\[\s\S])*)'|((?:[^\s'\\]|\\[\s\S])(?:[^\s\\]|\\[\s\S])*)?)(?=\s|$)\s*/y;

function readPairs(text: string): Result<Parameters, string> {
  const parameters: Record<string, string> = {};
  const pattern = new RegExp(PAIR.source, PAIR.flags);
  while (pattern.lastIndex < text.length) {
    const [, key, quoted, plain = ""] = pattern.exec(text) ?? [];
    if (key === undefined)
      return err(
        'it is neither a URL "postgresql://…" nor pairs "host=db port=5432 …"; put values with spaces in single quotes',
      );
    parameters[key === "database" ? "dbname" : key] = (quoted ?? plain).replace(/\\([\s\S])/g, "$1");
  }
  return ok(parameters);
}
