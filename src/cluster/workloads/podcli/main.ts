import { connect } from "node:net";
import { formatDuration } from "#base";
import { durationFlag, type FlagValues, integerFlag, parseGoFlags, stringFlag } from "../go-flags.ts";
import { withPodHost } from "../pod-address.ts";
import { sendRequest } from "../send-request.ts";

type Env = Readonly<Record<string, string | undefined>>;

const flags = {
  retry: integerFlag(0),
  delay: durationFlag(1000),
  timeout: durationFlag(5000),
  body: stringFlag(""),
  method: stringFlag("GET"),
} as const;
type Options = FlagValues<typeof flags>;

const RETRY_MAX = 1000;
const BODY_BYTES_MAX = 1024 * 1024;
const USAGE = `usage: podcli check http|tcp ADDRESS [--retry N] [--delay 1s] [--timeout 5s] [--method GET] [--body TEXT]
       podcli version
`;

/** The built-in podcli: what exec probes call. It must start fast, so it imports next to nothing. */
export async function podcliMain(argv: readonly string[], env: Env, signal: AbortSignal): Promise<number> {
  const parsed = parseGoFlags(flags, argv);
  if (!parsed.ok) return refuse(parsed.error);
  const [command, kind, address, ...more] = parsed.value.rest;
  if (command === "version" && kind === undefined) {
    process.stdout.write(`podcli version ${env.SERIN_IMAGE_TAG ?? "unknown"}\n`);
    return 0;
  }
  if (command !== "check" || address === undefined || more.length > 0 || (kind !== "http" && kind !== "tcp")) {
    process.stderr.write(USAGE);
    return 2;
  }
  const options = parsed.value.values;
  if (options.retry < 0 || options.retry > RETRY_MAX) return refuse(`--retry must be from 0 to ${RETRY_MAX}`);
  const check = kind === "http" ? httpCheck(address, options, env) : tcpCheck(address, options, env);
  if (typeof check === "string") return refuse(check);
  return repeat(check, options, signal);
}

function refuse(message: string): number {
  process.stderr.write(`podcli: ${message}\n${USAGE}`);
  return 2;
}

/** Undefined when the check passed, else why it did not. */
type Check = () => Promise<string | undefined>;

function httpCheck(address: string, options: Options, env: Env): Check | string {
  const text = /^https?:\/\//.test(address) ? address : `http://${address}`;
  if (!URL.canParse(text)) return `"${address}" is no URL; write host:port/path`;
  return async () => {
    const { status } = await sendRequest({
      method: options.body === "" ? options.method : "POST",
      url: new URL(text),
      headers: { "user-agent": "podcli" },
      ...(options.body === "" ? {} : { body: Buffer.from(options.body) }),
      timeoutMs: options.timeout,
      bodyBytesMax: BODY_BYTES_MAX,
      env,
    });
    // Source: podinfo's cmd/podcli/check.go: an error is a code outside 200 to 399.
    return status >= 200 && status < 400 ? undefined : `${text} answered ${status}`;
  };
}

function tcpCheck(address: string, options: Options, env: Env): Check | string {
  const match = /^(?:tcp:\/\/)?(.+):(\d+)$/.exec(address);
  if (match === null) return `"${address}" is no TCP address; write host:port`;
  const target = { host: withPodHost(match[1] ?? "", env), port: Number(match[2]) };
  if (target.port < 1 || target.port > 65_535) return `"${address}" has no port from 1 to 65535`;
  return () =>
    new Promise((resolve) => {
      const socket = connect({ ...target, timeout: options.timeout });
      const finish = (problem: string | undefined): void => {
        socket.destroy();
        resolve(problem);
      };
      socket.once("connect", () => finish(undefined));
      socket.once("timeout", () => finish(`${address} gave no answer within ${formatDuration(options.timeout)}`));
      socket.once("error", (cause) => finish(cause.message));
    });
}

async function repeat(check: Check, options: Options, signal: AbortSignal): Promise<number> {
  for (let attempt = 0; attempt <= options.retry && !signal.aborted; attempt++) {
    const problem = await check().catch((thrown: unknown) =>
      thrown instanceof Error ? thrown.message : String(thrown),
    );
    if (problem === undefined) return 0;
    process.stderr.write(`check failed: ${problem}\n`);
    if (attempt < options.retry) await pause(options.delay, signal);
  }
  return 1;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
