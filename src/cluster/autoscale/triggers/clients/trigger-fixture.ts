import { Agent } from "undici";
import { silentLog } from "#base";
import { systemClock } from "#kube";
import { type Trigger, triggerKinds, type TriggerOptions, type TriggerWorld, TriggerConfig } from "../index.ts";

/** What tests of triggers start from. Nothing else imports it. */
export interface TriggerCase {
  readonly type: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly auth?: Readonly<Record<string, string>>;
  readonly metricType?: string;
  readonly podIdentity?: string;
}

/** A world with the machine's own clock and network, and no objects. */
export function triggerWorld(changes: Partial<TriggerWorld> = {}): TriggerWorld {
  return {
    clock: systemClock,
    log: silentLog,
    http: new Agent(),
    signal: new AbortController().signal,
    timeoutMs: 3000,
    resolve: (host) => host,
    pods: () => [],
    configMap: () => undefined,
    secret: () => undefined,
    endpoints: () => [],
    ...changes,
  };
}

/** Builds a trigger as the ScaledObject `shop/web` would. */
export async function buildTrigger(given: TriggerCase, world: TriggerWorld = triggerWorld()): Promise<Trigger> {
  const kind = triggerKinds.find(({ types }) => types.includes(given.type));
  if (kind === undefined) throw new Error(`no kind of trigger has the type ${given.type}`);
  const { metadata = {}, env = {}, auth = {} } = given;
  const options: TriggerOptions = {
    type: given.type,
    index: 0,
    scaledObject: { namespace: "shop", name: "web" },
    metricType: given.metricType,
    config: new TriggerConfig(given.type, { metadata, env, auth }),
    isFormulaInput: false,
    podIdentity: given.podIdentity,
  };
  return kind.build(options, world);
}

/** Reads the only metric of a trigger. */
export async function readOnce(trigger: Trigger): Promise<{ values: readonly number[]; isActive: boolean }> {
  if (trigger.kind !== "external") throw new Error("the trigger has no value of its own");
  const { signal } = new AbortController();
  const [metric] = await trigger.metrics(signal);
  if (metric === undefined) throw new Error("the trigger has no metric");
  return trigger.read(metric, signal);
}

/** The only metric of a trigger. */
export async function metricOf(trigger: Trigger): Promise<unknown> {
  if (trigger.kind !== "external") throw new Error("the trigger has no value of its own");
  return (await trigger.metrics(new AbortController().signal))[0];
}
