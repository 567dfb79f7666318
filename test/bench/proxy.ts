import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { build } from "esbuild";
import { aimed, type Figures, reported } from "./figures.ts";

/**
 * Requests per second, latency and CPU per request through our proxy and through a named peer: HAProxy with one thread
 * when it is installed, else the usual node:http pipe. Same upstream, same load, slices that take turns, so that what else
 * happens on the machine meets both. CPU per request is the steadiest of the figures.
 */

const SLICE_MS = 1000;
const SLICE_COUNT = 5;
const CONNECTION_COUNT = 64;
/** Length of a tick of /proc/PID/stat. Source: proc(5); 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** A process of the benchmark that answers in JSON lines. */
interface Part {
  readonly pid: number;
  readLine(): Promise<Record<string, number>>;
  writeLine(value: unknown): void;
  end(): void;
}

interface Total {
  requestCount: number;
  errorCount: number;
  seconds: number;
  cpuSeconds: number;
  readonly p50Ms: number[];
  readonly p99Ms: number[];
}

/** Runs the benchmark for small answers and for answers of 16 KiB. */
export async function benchProxy(): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), "serin-bench-proxy-"));
  const parts: { end(): void }[] = [];
  try {
    await buildParts(directory);
    const small = await measureShape({ directory, parts, bodyBytes: 12 });
    const large = await measureShape({ directory, parts, bodyBytes: 16 * 1024 });
    return { ...figuresOf("", small, 0.5), ...figuresOf("16k_", large, 0.4) };
  } finally {
    for (const part of parts) part.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Shape {
  readonly directory: string;
  readonly parts: { end(): void }[];
  readonly bodyBytes: number;
}

interface Comparison {
  readonly peer: string;
  readonly ours: Total;
  readonly theirs: Total;
}

async function measureShape({ directory, parts, bodyBytes }: Shape): Promise<Comparison> {
  const start = async (name: string, ...args: readonly string[]): Promise<Part> => {
    const part = startPart(process.execPath, [join(directory, `${name}.mjs`), ...args]);
    parts.push(part);
    return part;
  };
  const upstream = await start("upstream", String(bodyBytes));
  const upstreamPort = String((await upstream.readLine()).port);
  const proxy = await start("under-test", upstreamPort);
  const ours = { pid: proxy.pid, port: (await proxy.readLine()).port ?? 0 };
  const haproxy = await startHaproxy(directory, upstreamPort);
  if (haproxy !== undefined) parts.push(haproxy);
  const theirs = haproxy ?? (await startPipe(start, upstreamPort));
  const load = await start("load");
  await load.readLine();
  const comparison = { peer: theirs.name, ours: emptyTotal(), theirs: emptyTotal() };
  for (const target of [ours, theirs]) await measureSlice(load, target, emptyTotal());
  for (let index = 0; index < SLICE_COUNT; index++) {
    await measureSlice(load, ours, comparison.ours);
    await measureSlice(load, theirs, comparison.theirs);
  }
  for (const part of parts.splice(0)) part.end();
  return comparison;
}

async function buildParts(directory: string): Promise<void> {
  const names = ["upstream", "under-test", "node-pipe", "load"];
  await build({
    entryPoints: names.map((name) => join("test", "bench", "proxy-parts", `${name}.ts`)),
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
  });
}

function startPart(command: string, args: readonly string[]): Part {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const reader = lines[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    async readLine() {
      const next = await reader.next();
      if (next.done === true) throw new Error(`a part of the benchmark ended early: ${args.join(" ")}`);
      return JSON.parse(String(next.value)) as Record<string, number>;
    },
    writeLine: (value) => child.stdin.write(`${JSON.stringify(value)}\n`),
    end: () => endChild(child, lines),
  };
}

function endChild(child: ChildProcess, lines?: Interface): void {
  lines?.close();
  child.kill("SIGKILL");
}

interface Peer {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  end(): void;
}

async function startPipe(
  start: (name: string, ...args: string[]) => Promise<Part>,
  upstreamPort: string,
): Promise<Peer> {
  const part = await start("node-pipe", upstreamPort);
  return { name: "node:http pipe", pid: part.pid, port: (await part.readLine()).port ?? 0, end: () => part.end() };
}

/** HAProxy with one thread, doing what our proxy does besides: keep-alive to the upstream and X-Forwarded-For. */
async function startHaproxy(directory: string, upstreamPort: string): Promise<Peer | undefined> {
  const version = spawnSync("haproxy", ["-v"], { encoding: "utf8" });
  if (version.status !== 0) return undefined;
  const port = await freePort();
  const path = join(directory, "haproxy.cfg");
  writeFileSync(
    path,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
  http-reuse always
frontend in
  bind 127.0.0.1:${port}
  acl beta hdr(x-beta) yes
  use_backend canary if beta
  default_backend primary
backend primary
  server a 127.0.0.1:${upstreamPort} weight 90 pool-max-conn 256
  server b 127.0.0.1:${upstreamPort} weight 10 pool-max-conn 256
backend canary
  server b 127.0.0.1:${upstreamPort}
`,
  );
  const child = spawn("haproxy", ["-f", path, "-db"], { stdio: ["ignore", "ignore", "ignore"] });
  const name = `HAProxy ${/version (\S+)/.exec(version.stdout)?.[1] ?? ""}`.trim();
  return { name, pid: child.pid ?? 0, port, end: () => endChild(child) };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

async function measureSlice(
  load: Part,
  target: { readonly pid: number; readonly port: number },
  total: Total,
): Promise<void> {
  const before = cpuSecondsOf(target.pid);
  load.writeLine({ port: target.port, connectionCount: CONNECTION_COUNT, durationMs: SLICE_MS });
  const slice = await load.readLine();
  total.cpuSeconds += cpuSecondsOf(target.pid) - before;
  total.requestCount += slice.requestCount ?? 0;
  total.errorCount += slice.errorCount ?? 0;
  total.seconds += slice.seconds ?? 0;
  total.p50Ms.push(slice.p50Ms ?? 0);
  total.p99Ms.push(slice.p99Ms ?? 0);
}

function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function emptyTotal(): Total {
  return { requestCount: 0, errorCount: 0, seconds: 0, cpuSeconds: 0, p50Ms: [], p99Ms: [] };
}

function figuresOf(prefix: string, { peer, ours, theirs }: Comparison, ratioMin: number): Figures {
  const rate = ({ requestCount, seconds }: Total): number => requestCount / seconds;
  const cpuUs = ({ cpuSeconds, requestCount }: Total): number => (cpuSeconds / requestCount) * 1e6;
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  return {
    [`${prefix}ratio`]: aimed(rate(ours) / rate(theirs), `of ${peer}'s requests/s`, { atLeast: ratioMin }),
    [`${prefix}cpu_ratio`]: aimed(cpuUs(ours) / cpuUs(theirs), `times ${peer}'s CPU per request`, {
      atMost: 1 / ratioMin,
    }),
    [`${prefix}requests_per_second`]: reported(rate(ours), "requests/s"),
    [`${prefix}peer_requests_per_second`]: reported(rate(theirs), "requests/s"),
    [`${prefix}cpu_us_per_request`]: reported(cpuUs(ours), "us"),
    [`${prefix}peer_cpu_us_per_request`]: reported(cpuUs(theirs), "us"),
    [`${prefix}p50_ms`]: reported(median(ours.p50Ms), "ms"),
    [`${prefix}peer_p50_ms`]: reported(median(theirs.p50Ms), "ms"),
    [`${prefix}p99_ms`]: reported(median(ours.p99Ms), "ms"),
    [`${prefix}peer_p99_ms`]: reported(median(theirs.p99Ms), "ms"),
    [`${prefix}errors`]: aimed(ours.errorCount, "requests", { atMost: 0 }),
  };
}
