import { type Canary, type ConfigMap, keyOf, ownerReferenceTo } from "#api";
import { type Clock, type Log, messageOf } from "#base";
import { type Decision, type DecisionRecord, recordOf } from "#rollout";
import type { View } from "../views/index.ts";
import { planWrite, readLastRun, runMapName } from "./run-map.ts";
import { joinRun, type Run } from "./run.ts";

/** Keeps the records of releases. Nothing that goes wrong here is felt by a release. */
export interface RunStore {
  /** Takes note of a decision that was carried out; writes in the background. */
  note(canary: Canary, decision: Decision): void;
  /** Lets go of a Canary that is gone; its records go with it. */
  forget(key: string): void;
  /** Writes what waits, and nothing after it; resolves when it was written or refused. */
  close(): Promise<void>;
}

export interface RunStorePorts {
  readonly configMaps: Pick<View<ConfigMap>, "get" | "create" | "patch">;
  readonly clock: Clock;
  readonly log: Log;
  /** Tells people of a ConfigMap that is in the way. */
  readonly tell: (canary: Canary, message: string) => void;
  /** A write was refused. */
  readonly onRefused: () => void;
}

/** Between two writes of a release that goes on. */
const WRITE_INTERVAL_MS = 30_000;
/** Canaries with a run in memory. A run that ended goes when it is written; beyond the bound the longest untouched one goes. */
const MAX_KEPT_COUNT = 1000;

/** A Canary's run while it goes on, or waits to be written. */
interface Kept {
  canary: Canary;
  run: Run;
  /** Runs with something that is not written yet, by number. */
  readonly waiting: Map<number, Run>;
  lastWriteMs: number;
  cancelTimer: (() => void) | undefined;
  writing: Promise<void> | undefined;
}

export function createRunStore(ports: RunStorePorts): RunStore {
  const kept = new Map<string, Kept>();
  /** Canaries whose ConfigMap is another's, by key and uid: told once. */
  const told = new Map<string, string>();
  let isClosed = false;

  function note(canary: Canary, decision: Decision): void {
    const key = keyOf(canary);
    if (canary.metadata.deletionTimestamp !== undefined || canary.metadata.uid === undefined) return;
    const nowMs = ports.clock.nowMs();
    // Most looks are no news, and are not worth reading what is kept.
    if (recordOf(decision, nowMs) === undefined) return;
    const before = known(canary, key);
    const record = recordOf(decision, nowMs, before.last?.records.at(-1));
    if (record === undefined) return;
    const revision = decision.status.lastAppliedSpec ?? "";
    const changed = joinRun(record, { ...before, revision });
    const run = changed.at(-1);
    if (run === undefined) return;
    const entry = keep(key, canary, run);
    for (const each of changed) entry.waiting.set(each.number, each);
    const isUrgent = isFirst(run) || hasJustEnded(run, record);
    schedule(key, entry, isUrgent ? nowMs : Math.max(nowMs, entry.lastWriteMs + WRITE_INTERVAL_MS));
  }

  /** What memory has, else what the ConfigMap has. A ConfigMap of another Canary of that name has nothing to say. */
  function known(canary: Canary, key: string): ReturnType<typeof readLastRun> {
    const entry = kept.get(key);
    if (entry?.canary.metadata.uid === canary.metadata.uid && entry !== undefined)
      return { last: entry.run, nextNumber: entry.run.number + 1 };
    const map = mapOf(canary);
    return readLastRun(map !== undefined && isOurs(map, canary) ? map : undefined);
  }

  function mapOf({ metadata }: Canary): ConfigMap | undefined {
    const { namespace = "", name = "" } = metadata;
    return ports.configMaps.get({ namespace, name: runMapName(name) });
  }

  function keep(key: string, canary: Canary, run: Run): Kept {
    const entry = kept.get(key);
    if (entry !== undefined && entry.canary.metadata.uid === canary.metadata.uid) {
      entry.canary = canary;
      entry.run = run;
      // To the end of the order: it was touched last.
      kept.delete(key);
      kept.set(key, entry);
      return entry;
    }
    drop(key);
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size >= MAX_KEPT_COUNT) drop(oldest);
    const fresh: Kept = {
      canary,
      run,
      waiting: new Map(),
      // A process that has just started may write at once, once.
      lastWriteMs: Number.NEGATIVE_INFINITY,
      cancelTimer: undefined,
      writing: undefined,
    };
    kept.set(key, fresh);
    return fresh;
  }

  function schedule(key: string, entry: Kept, dueMs: number): void {
    entry.cancelTimer?.();
    // The last write is under way; a timer would outlive it.
    if (isClosed) return;
    const delayMs = dueMs - ports.clock.nowMs();
    if (delayMs > 0) entry.cancelTimer = ports.clock.after(delayMs, () => void write(key, entry));
    else void write(key, entry);
  }

  /** One write at a time; what comes meanwhile is written by the next. */
  function write(key: string, entry: Kept): Promise<void> {
    entry.cancelTimer?.();
    entry.cancelTimer = undefined;
    const after = (entry.writing ?? Promise.resolve()).then(() => writeWaiting(key, entry));
    entry.writing = after;
    return after;
  }

  async function writeWaiting(key: string, entry: Kept): Promise<void> {
    if (entry.waiting.size === 0 || kept.get(key) !== entry) return;
    const runs = [...entry.waiting.values()];
    entry.waiting.clear();
    entry.lastWriteMs = ports.clock.nowMs();
    try {
      if (!(await send(entry.canary, runs))) {
        putBack(entry, runs);
        return schedule(key, entry, entry.lastWriteMs + WRITE_INTERVAL_MS);
      }
    } catch (thrown) {
      putBack(entry, runs);
      const { namespace, name } = entry.canary.metadata;
      ports.log.warn("records of a run were not written", { canary: `${name}.${namespace}`, error: messageOf(thrown) });
      ports.onRefused();
      return;
    }
    const isOver = entry.run.outcome !== undefined && entry.waiting.size === 0;
    if (isOver && kept.get(key) === entry) kept.delete(key);
  }

  /** Writes runs; false when it is too early for that. */
  async function send(canary: Canary, runs: readonly Run[]): Promise<boolean> {
    const map = mapOf(canary);
    const { namespace = "", name = "" } = canary.metadata;
    if (map !== undefined && isOfPredecessor(map, canary)) return false;
    if (map !== undefined && !isOurs(map, canary)) {
      tellOnce(canary, runMapName(name));
      return true;
    }
    const binaryData = planWrite(map, runs);
    if (map !== undefined) {
      await ports.configMaps.patch({ namespace, name: runMapName(name) }, { kind: "merge", body: { binaryData } });
      return true;
    }
    await ports.configMaps.create({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        namespace,
        name: runMapName(name),
        labels: { "app.kubernetes.io/managed-by": "serin" },
        ownerReferences: [ownerReferenceTo(canary, { controller: true })],
      },
      binaryData: withoutNulls(binaryData),
    });
    return true;
  }

  function tellOnce(canary: Canary, name: string): void {
    const { uid = "" } = canary.metadata;
    if (told.get(keyOf(canary)) === uid) return;
    told.set(keyOf(canary), uid);
    ports.tell(
      canary,
      `Records of its releases are not kept: the ConfigMap ${name} is not Serin's (rename or delete it)`,
    );
  }

  function drop(key: string): void {
    kept.get(key)?.cancelTimer?.();
    kept.delete(key);
  }

  return {
    note,
    forget(key) {
      drop(key);
      told.delete(key);
    },
    async close() {
      isClosed = true;
      await Promise.all([...kept].map(([key, entry]) => write(key, entry)));
    },
  };
}

function isOurs({ metadata }: ConfigMap, canary: Canary): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === canary.metadata.uid) === true;
}

/** A Canary of this name that was deleted: the garbage collector is about to take its ConfigMap. */
function isOfPredecessor({ metadata }: ConfigMap, canary: Canary): boolean {
  const { name, uid } = canary.metadata;
  const isCanary = metadata.ownerReferences?.some((owner) => owner.kind === "Canary" && owner.name === name) === true;
  return isCanary && metadata.ownerReferences?.some((owner) => owner.uid === uid) !== true;
}

/** What came meanwhile is newer. */
function putBack({ waiting }: Kept, runs: readonly Run[]): void {
  for (const run of runs) if (!waiting.has(run.number)) waiting.set(run.number, run);
}

function isFirst({ records, droppedCount }: Run): boolean {
  return droppedCount === 0 && records.length === 1 && records[0]?.repeated === undefined;
}

function hasJustEnded({ outcome, endedAt }: Run, record: DecisionRecord): boolean {
  return outcome !== undefined && endedAt === record.at;
}

function withoutNulls(data: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(data).flatMap(([key, text]) => (text === null ? [] : [[key, text]])));
}
