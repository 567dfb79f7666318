import { readFileSync } from "node:fs";
import { err, messageOf, ok, type Result } from "#base";
import {
  durationFlag,
  type FlagSet,
  type FlagValues,
  integerFlag,
  listFlag,
  numberFlag,
  parseGoFlags,
  stringFlag,
  switchFlag,
} from "../go-flags.ts";

/** Source: hey's README, the list of options. */
const flags = {
  n: integerFlag(200),
  c: integerFlag(50),
  q: numberFlag(0),
  z: durationFlag(0),
  o: stringFlag(""),
  m: stringFlag("GET"),
  H: listFlag(),
  t: integerFlag(20),
  A: stringFlag(""),
  d: stringFlag(""),
  D: stringFlag(""),
  T: stringFlag("text/html"),
  U: stringFlag(""),
  a: stringFlag(""),
  x: stringFlag(""),
  h2: switchFlag(),
  host: stringFlag(""),
  "disable-compression": switchFlag(),
  "disable-keepalive": switchFlag(),
  "disable-redirects": switchFlag(),
  cpus: integerFlag(0),
} as const satisfies FlagSet;

/** What to send, how often, by how many workers. */
export interface LoadPlan {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly workerCount: number;
  /** Requests of all workers together; infinite with a duration. */
  readonly requestCount: number;
  readonly durationMs: number | undefined;
  /** Limit of each worker; 0 is none. */
  readonly requestsPerSecond: number;
  /** Per request; 0 is none. */
  readonly timeoutMs: number;
  readonly keepsAlive: boolean;
  readonly followsRedirects: boolean;
  readonly output: "summary" | "csv";
  readonly env: Readonly<Record<string, string | undefined>>;
}

const WORKERS_MAX = 10_000;

export const HEY_USAGE = `Usage: hey [options...] <url>

  -n  Number of requests to run. Default is 200.
  -c  Number of workers to run concurrently. Default is 50.
  -q  Rate limit, in requests per second of each worker. Default is no limit.
  -z  Duration to send requests, such as 10s or 3m; -n is then ignored.
  -o  Output type: csv prints a line for each request.
  -m  HTTP method.
  -H  Header, "Name: value"; may be repeated.
  -t  Timeout of each request in seconds. Default is 20, 0 is none.
  -A  Accept header.
  -d  Request body.
  -D  File with the request body.
  -T  Content-Type, default "text/html".
  -U  User-Agent.
  -a  Basic authentication, user:password.
  -x  HTTP proxy address as host:port; else the variable http_proxy.
  -host  Host header.
  -disable-compression, -disable-keepalive, -disable-redirects
`;

/** Reads the command line into a plan. */
export function readLoadPlan(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<LoadPlan, string> {
  const parsed = parseGoFlags(flags, argv);
  if (!parsed.ok) return parsed;
  const { values, rest } = parsed.value;
  const [target] = rest;
  if (target === undefined || rest.length > 1) return err("give exactly one URL");
  if (!/^https?:\/\//.test(target) || !URL.canParse(target)) return err(`"${target}" is no http or https URL`);
  if (values.h2) return err("HTTP/2 (-h2) is not part of the built-in hey");
  if (values.o !== "" && values.o !== "csv") return err(`invalid output type "${values.o}": only csv is supported`);
  if (values.c < 1 || values.c > WORKERS_MAX) return err(`-c must be from 1 to ${WORKERS_MAX}`);
  const hasDuration = values.z > 0;
  if (!hasDuration && values.n < values.c) return err("-n cannot be less than -c");
  if (values.t < 0) return err("-t cannot be negative");
  const headers = readHeaders(values);
  if (!headers.ok) return headers;
  const body = readRequestBody(values);
  if (!body.ok) return body;
  return ok({
    url: new URL(target),
    method: values.m.toUpperCase(),
    headers: headers.value,
    body: body.value,
    workerCount: values.c,
    // As hey does it: each worker sends the same number, the remainder is dropped.
    requestCount: hasDuration ? Number.POSITIVE_INFINITY : values.n - (values.n % values.c),
    durationMs: hasDuration ? values.z : undefined,
    requestsPerSecond: values.q,
    timeoutMs: values.t * 1000,
    keepsAlive: !values["disable-keepalive"],
    followsRedirects: !values["disable-redirects"],
    output: values.o === "csv" ? "csv" : "summary",
    env: values.x === "" ? env : { ...env, http_proxy: values.x.includes("://") ? values.x : `http://${values.x}` },
  });
}

function readHeaders(values: FlagValues<typeof flags>): Result<Record<string, string>, string> {
  const headers = new Map<string, string>([["content-type", values.T]]);
  if (values.A !== "") headers.set("accept", values.A);
  headers.set("user-agent", values.U === "" ? "hey/0.0.1" : `${values.U} hey/0.0.1`);
  if (!values["disable-compression"]) headers.set("accept-encoding", "gzip");
  if (values.a !== "") {
    if (!values.a.includes(":")) return err(`-a takes user:password`);
    headers.set("authorization", `Basic ${Buffer.from(values.a).toString("base64")}`);
  }
  for (const line of values.H) {
    const match = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(line);
    if (match === null) return err(`invalid header "${line}": write "Name: value"`);
    headers.set((match[1] ?? "").toLowerCase(), match[2] ?? "");
  }
  if (values.host !== "") headers.set("host", values.host);
  return ok(Object.fromEntries(headers));
}

function readRequestBody(values: FlagValues<typeof flags>): Result<Uint8Array | undefined, string> {
  if (values.D === "") return ok(values.d === "" ? undefined : Buffer.from(values.d));
  try {
    return ok(readFileSync(values.D));
  } catch (thrown) {
    return err(`cannot read the body: ${messageOf(thrown)}`);
  }
}
