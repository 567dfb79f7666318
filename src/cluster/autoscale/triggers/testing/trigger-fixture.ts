import { Agent } from "undici";
import { silentLog } from "#base";
import { systemClock } from "#kube";
import { lookupIn } from "../clients/cluster-lookup.ts";
import { triggerKinds } from "../index.ts";
import { TriggerConfig } from "../parameters/trigger-config.ts";
import type {
  ExternalMetricSpec,
  ExternalTrigger,
  Trigger,
  TriggerOptions,
  TriggerReading,
  TriggerWorld,
} from "../trigger.ts";

/** For tests: what a trigger of the ScaledObject `shop/web` is built from. */
export interface TriggerCase {
  readonly type: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly auth?: Readonly<Record<string, string>>;
  readonly metricType?: string;
  readonly podIdentity?: string;
  readonly isFormulaInput?: boolean;
}

export interface WorldChanges extends Partial<TriggerWorld> {
  /** Addresses by `host/namespace`. */
  readonly addresses?: Readonly<Record<string, string>>;
}

/** A world with the machine's own clock and network, and no objects, but for what the test says. */
export function triggerWorld({ addresses = {}, ...changes }: WorldChanges = {}): TriggerWorld {
  const resolve = changes.resolve ?? ((host, namespace) => addresses[`${host}/${namespace}`] ?? host);
  return {
    clock: systemClock,
    log: silentLog,
    http: new Agent({ connect: { lookup: lookupIn({ resolve }, "shop") } }),
    signal: new AbortController().signal,
    timeoutMs: 3000,
    resolve,
    pods: () => [],
    configMap: () => undefined,
    secret: () => undefined,
    endpoints: () => [],
    ...changes,
  };
}

export function triggerOptions(given: TriggerCase): TriggerOptions {
  const { type, metadata = {}, env = {}, auth = {}, metricType, podIdentity, isFormulaInput = false } = given;
  return {
    type,
    index: 0,
    scaledObject: { namespace: "shop", name: "web" },
    metricType,
    config: new TriggerConfig(type, { metadata, env, auth }),
    isFormulaInput,
    podIdentity,
  };
}

/** Builds a trigger as the controller does. */
export async function buildTrigger(given: TriggerCase, world: TriggerWorld = triggerWorld()): Promise<Trigger> {
  const kind = triggerKinds.find(({ types }) => types.includes(given.type));
  if (kind === undefined) throw new Error(`there is no trigger "${given.type}"`);
  return kind.build(triggerOptions(given), world);
}

export function externalOf(trigger: Trigger): ExternalTrigger {
  if (trigger.kind !== "external") throw new Error("the trigger has no values of its own");
  return trigger;
}

/** The only metric of a trigger. */
export async function metricOf(trigger: Trigger, signal = new AbortController().signal): Promise<ExternalMetricSpec> {
  const [metric, another] = await externalOf(trigger).metrics(signal);
  if (metric === undefined || another !== undefined) throw new Error("the trigger has not one metric");
  return metric;
}

/** Reads the only metric of a trigger. */
export async function readOnce(trigger: Trigger, signal = new AbortController().signal): Promise<TriggerReading> {
  return externalOf(trigger).read(await metricOf(trigger, signal), signal);
}
