import { Agent, type IncomingHttpHeaders, request } from "node:http";

/** One answer that a visitor got. */
export interface Visit {
  /** When it was asked, in ISO 8601. */
  readonly at: string;
  /** 0 when there was no answer. */
  readonly status: number;
  /** Name of the pod that answered. */
  readonly pod: string;
  readonly version: string;
  readonly setCookie: string;
  /** Why it counts as failed. */
  readonly failure: string | undefined;
}

/** A client that asks again and again, and remembers every answer. */
export interface Visitor {
  readonly visits: readonly Visit[];
  /** Ends it and waits for the request in flight. */
  stop(): Promise<readonly Visit[]>;
}

export interface VisitorOptions {
  readonly address: string;
  readonly port: number;
  readonly host: string;
  /** `/` without it. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sends back the cookies that it was given, like a browser. */
  readonly keepsCookies?: boolean;
}

const PAUSE_MS = 40;
const TIMEOUT_MS = 10_000;

/** Starts a visitor; each asks about 20 times a second, one request after the other. */
export function startVisitor(options: VisitorOptions): Visitor {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const visits: Visit[] = [];
  const jar = new Map<string, string>();
  let isStopped = false;

  async function visit(): Promise<void> {
    while (!isStopped) {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
      const headers = { ...options.headers, host: options.host, ...(cookie === "" ? {} : { cookie }) };
      const got = await ask(options, headers, agent);
      visits.push(got);
      if (options.keepsCookies === true) keepCookie(jar, got.setCookie);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  const running = visit();

  return {
    visits,
    async stop() {
      isStopped = true;
      await running;
      agent.destroy();
      return visits;
    },
  };
}

/** Asks once. */
export async function visitOnce(options: VisitorOptions): Promise<Visit> {
  const agent = new Agent({ keepAlive: false });
  try {
    return await ask(options, { ...options.headers, host: options.host }, agent);
  } finally {
    agent.destroy();
  }
}

/** Source: RFC 6265, section 5.2.2: an age of zero or less takes the cookie away. */
function keepCookie(jar: Map<string, string>, setCookie: string): void {
  const [, name, value] = /^([^=;]+)=([^;]*)/.exec(setCookie) ?? [];
  if (name === undefined || value === undefined) return;
  if (/;\s*Max-Age=(-|0)/i.test(setCookie)) jar.delete(name);
  else jar.set(name, value);
}

function ask(
  { address, port, path = "/" }: VisitorOptions,
  headers: Readonly<Record<string, string>>,
  agent: Agent,
): Promise<Visit> {
  const at = new Date().toISOString();
  return new Promise((resolve) => {
    const fail = (cause: Error): void =>
      resolve({ at, status: 0, pod: "", version: "", setCookie: "", failure: cause.message });
    const call = request({ host: address, port, path, headers, agent, timeout: TIMEOUT_MS }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.once("error", fail);
      response.once("end", () => resolve({ at, ...readVisit(response.statusCode ?? 0, response.headers, body) }));
    });
    call.once("timeout", () => call.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    call.once("error", fail);
    call.end();
  });
}

function readVisit(status: number, headers: IncomingHttpHeaders, body: string): Omit<Visit, "at"> {
  const setCookie = headers["set-cookie"]?.join("\n") ?? "";
  const { hostname = "", version = "" } = parseAnswer(body);
  const failure = status === 200 ? undefined : `HTTP ${status} from ${hostname || "the proxy"}: ${body.slice(0, 80)}`;
  return { status, pod: hostname, version, setCookie, failure };
}

function parseAnswer(body: string): { readonly hostname?: string; readonly version?: string } {
  try {
    return JSON.parse(body) as { hostname?: string; version?: string };
  } catch {
    // The proxy's own error text.
    return {};
  }
}
