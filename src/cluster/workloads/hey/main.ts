import { setTimeout as sleep } from "node:timers/promises";
import { createSender, type Exchange, type Sender } from "./exchange.ts";
import { HEY_USAGE, type LoadPlan, readLoadPlan } from "./options.ts";
import { formatCsv, formatReport, type LoadResult } from "./report.ts";

/** Exchanges kept for the latency figures. Source: hey's own limit. */
const EXCHANGES_MAX = 1_000_000;

/** The built-in load generator with the command line and the report of github.com/rakyll/hey. */
export async function heyMain(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<number> {
  const plan = readLoadPlan(argv, env);
  if (!plan.ok) {
    process.stderr.write(`hey: ${plan.error}\n\n${HEY_USAGE}`);
    return 1;
  }
  const result = await generateLoad(plan.value, signal);
  process.stdout.write(plan.value.output === "csv" ? formatCsv(result) : formatReport(result));
  return 0;
}

/** Runs the plan; an abort ends it early with what was measured so far. */
export async function generateLoad(plan: LoadPlan, signal: AbortSignal): Promise<LoadResult> {
  const sender = createSender(plan);
  const beganMs = performance.now();
  const run: Run = {
    plan,
    sender,
    signal,
    elapsedMs: () => performance.now() - beganMs,
    exchanges: [],
    droppedCount: 0,
    left: plan.requestCount,
  };
  await Promise.all(Array.from({ length: plan.workerCount }, () => work(run)));
  sender.close();
  return { exchanges: run.exchanges, droppedCount: run.droppedCount, totalMs: run.elapsedMs() };
}

interface Run {
  readonly plan: LoadPlan;
  readonly sender: Sender;
  readonly signal: AbortSignal;
  readonly elapsedMs: () => number;
  readonly exchanges: Exchange[];
  droppedCount: number;
  left: number;
}

async function work(run: Run): Promise<void> {
  const { plan, signal } = run;
  const periodMs = plan.requestsPerSecond === 0 ? 0 : 1000 / plan.requestsPerSecond;
  let dueMs = run.elapsedMs();
  while (!signal.aborted && run.left > 0 && run.elapsedMs() < (plan.durationMs ?? Number.POSITIVE_INFINITY)) {
    if (periodMs > 0) {
      dueMs += periodMs;
      if (!(await waitUntil(dueMs, run))) return;
      // A worker that fell behind does not catch up in a burst: it goes on from now.
      dueMs = Math.max(dueMs, run.elapsedMs() - periodMs);
    }
    run.left--;
    const exchange = await run.sender.send(run.elapsedMs(), signal);
    if (signal.aborted) return;
    if (run.exchanges.length < EXCHANGES_MAX) run.exchanges.push(exchange);
    else run.droppedCount++;
  }
}

/** Waits for a worker's next turn; false when the run ends before it. */
async function waitUntil(dueMs: number, run: Run): Promise<boolean> {
  const endMs = run.plan.durationMs ?? Number.POSITIVE_INFINITY;
  const waitMs = Math.min(dueMs, endMs) - run.elapsedMs();
  if (waitMs > 0) await sleep(waitMs, undefined, { signal: run.signal }).catch(() => undefined);
  return !run.signal.aborted && run.elapsedMs() < endMs && run.left > 0;
}
