import { err, ok, parseDuration, type Result } from "#base";

/**
 * Reads a data source name as Go's driver writes it: `user:password@tcp(db:3306)/shop?tls=true`. No error quotes the text,
 * since it holds the password. Source: go-sql-driver/mysql, "DSN (Data Source Name)", which KEDA uses.
 */
export interface MysqlTarget {
  readonly place: { readonly host: string; readonly port: number } | { readonly socketPath: string };
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: MysqlTls;
  /** Of connecting. */
  readonly connectTimeoutMs: number | undefined;
  readonly allowsCleartextPasswords: boolean;
  /** Variables of the session with their values as SQL. */
  readonly variables: Readonly<Record<string, string>>;
}

export type MysqlTls = (typeof tlsModes)[number];

/** The first is what "0" stands for. */
const tlsModes = ["false", "true", "skip-verify", "preferred"] as const;
const DEFAULT_PORT = 3306;
const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_SOCKET = "/tmp/mysql.sock";

/** Parameters of Go's driver that change nothing about one number, or that say what this client does anyway. */
const driverKeys = new Set([
  "allowAllFiles",
  "allowFallbackToPlaintext",
  "allowNativePasswords",
  "allowOldPasswords",
  "charset",
  "checkConnLiveness",
  "clientFoundRows",
  "collation",
  "columnsWithAlias",
  "compress",
  "connectionAttributes",
  "interpolateParams",
  "loc",
  "maxAllowedPacket",
  "multiStatements",
  "parseTime",
  "readTimeout",
  "rejectReadOnly",
  "serverPubKey",
  "strict",
  "timeTruncate",
  "writeTimeout",
]);
const ownKeys = new Set(["tls", "timeout", "allowCleartextPasswords"]);

export function parseDataSourceName(text: string): Result<MysqlTarget, string> {
  const slash = text.lastIndexOf("/");
  if (slash < 0) return err('it has no "/" before the database; write user:password@tcp(host:3306)/database');
  const [, database = "", query = ""] = /^([^?]*)(?:\?([\s\S]*))?$/.exec(text.slice(slash + 1)) ?? [];
  const before = text.slice(0, slash);
  const at = before.lastIndexOf("@");
  const login = at < 0 ? "" : before.slice(0, at);
  const colon = login.indexOf(":");
  const place = readPlace(before.slice(at + 1));
  if (!place.ok) return place;
  const parameters = Object.fromEntries(new URLSearchParams(query));
  const wanted = parameters.tls ?? "false";
  const tls = wanted === "1" ? "true" : tlsModes.find((mode) => mode === wanted.toLowerCase() || wanted === "0");
  if (tls === undefined) return err(`tls "${wanted}" must be one of [${tlsModes.join(" ")}]`);
  const timeout = parameters.timeout === undefined ? undefined : parseDuration(parameters.timeout);
  if (timeout?.ok === false) return err(`timeout "${parameters.timeout ?? ""}": ${timeout.error}`);
  const variables = Object.entries(parameters).filter(([key]) => !ownKeys.has(key) && !driverKeys.has(key));
  const wrong = variables.find(([key]) => !/^[\w.@]+$/.test(key));
  if (wrong !== undefined) return err("it has a parameter that is no name of a variable");
  return ok({
    place: place.value,
    user: colon < 0 ? login : login.slice(0, colon),
    password: colon < 0 ? "" : login.slice(colon + 1),
    database: unescape(database),
    tls,
    connectTimeoutMs: timeout === undefined || timeout.value === 0 ? undefined : timeout.value,
    allowsCleartextPasswords: parameters.allowCleartextPasswords === "true",
    variables: Object.fromEntries(variables),
  });
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function readPlace(text: string): Result<MysqlTarget["place"], string> {
  const [, protocol = "", address = ""] = /^([^()]*)(?:\((.*)\))?$/.exec(text) ?? [];
  if (text !== protocol && text !== `${protocol}(${address})`)
    return err("it has an address that is not in parentheses; write tcp(host:3306)");
  if (protocol === "unix") return ok({ socketPath: address === "" ? DEFAULT_SOCKET : address });
  // Not quoted: without a database, a part of a password with a "/" ends up here.
  if (protocol !== "tcp" && protocol !== "")
    return err("its network is neither tcp nor unix; write user:password@tcp(host:3306)/database");
  return readAddress(address);
}

/** Reads `host`, `host:port` or `[IPv6]:port`. */
export function readAddress(address: string): Result<MysqlTarget["place"], string> {
  const [, bracketed, plain = "", port = String(DEFAULT_PORT)] =
    /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(address === "" ? DEFAULT_HOST : address) ?? [];
  const host = bracketed ?? plain;
  if (host === "") return err("it names no host");
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    return err("its port is no number from 1 to 65535");
  return ok({ host, port: Number(port) });
}
