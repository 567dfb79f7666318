import { type AddressInfo, createServer } from "node:net";
import {
  externalOf,
  metricOf,
  type TriggerCase,
  triggerOptions,
  triggerWorld,
} from "../../../src/cluster/autoscale/triggers/testing/trigger-fixture.ts";
import type {
  ExternalMetricSpec,
  ExternalTrigger,
  TriggerKind,
  TriggerReading,
} from "../../../src/cluster/autoscale/triggers/trigger.ts";

/** Triggers of one kind of database, for the length of a test file. */
export interface SqlProbe {
  /** Builds one, with the host `db.shop` at 127.0.0.1. */
  build(setting: Partial<TriggerCase>, timeoutMs?: number): Promise<ExternalTrigger>;
  read(trigger: ExternalTrigger): Promise<TriggerReading & { readonly metric: ExternalMetricSpec }>;
  /** The values of one reading, or why there are none. */
  outcomeOf(trigger: ExternalTrigger): Promise<unknown>;
  /** Reads many times; what Node warned of meanwhile, such as listeners that pile up. */
  warningsOf(trigger: ExternalTrigger): Promise<readonly string[]>;
  /** Closes all that were built. */
  close(): Promise<void>;
}

/** @param defaults Metadata that each trigger has unless the test says otherwise. */
export function sqlProbe(kind: TriggerKind, defaults: Readonly<Record<string, string>>): SqlProbe {
  const stop = new AbortController();
  const open: ExternalTrigger[] = [];
  const [type = ""] = kind.types;

  async function read(trigger: ExternalTrigger) {
    const metric = await metricOf(trigger, stop.signal);
    return { metric, ...(await trigger.read(metric, stop.signal)) };
  }

  return {
    async build(setting, timeoutMs = 3_000) {
      // The name resolves as it would for a pod of the namespace, and to nothing outside of the cluster.
      const world = triggerWorld({ signal: stop.signal, timeoutMs, addresses: { "db.shop/shop": "127.0.0.1" } });
      const metadata = { ...defaults, ...setting.metadata };
      const trigger = externalOf(await kind.build(triggerOptions({ type, ...setting, metadata }), world));
      open.push(trigger);
      return trigger;
    },
    read,
    outcomeOf: (trigger) =>
      read(trigger).then(
        ({ values }) => values,
        (thrown: unknown) => (thrown instanceof Error ? thrown.message : thrown),
      ),
    async warningsOf(trigger) {
      const warned: string[] = [];
      const warn = (warning: Error) => warned.push(warning.message);
      process.on("warning", warn);
      for (let i = 0; i < 30; i += 1) await read(trigger);
      await new Promise((resolve) => setImmediate(resolve));
      process.off("warning", warn);
      return warned;
    },
    async close() {
      stop.abort();
      await Promise.all(open.map((trigger) => trigger.close()));
    },
  };
}

/** Runs a test with the port of a server that takes connections and says nothing. */
export async function withSilentServer(use: (port: number) => Promise<void>): Promise<void> {
  const silent = createServer((socket) => socket.on("error", () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  try {
    await use((silent.address() as AddressInfo).port);
  } finally {
    silent.close();
  }
}
