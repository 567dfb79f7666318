import { Agent } from "undici";
import { type Clock, silentLog } from "#base";
import { TriggerConfig } from "./trigger-config.ts";
import type { TriggerOptions, TriggerWorld } from "./trigger.ts";

/** For tests: what a trigger of the ScaledObject `shop/web` is built from. */
export interface TriggerSetting {
  readonly type: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly auth?: Readonly<Record<string, string>>;
  readonly metricType?: string;
  readonly isFormulaInput?: boolean;
  readonly podIdentity?: string;
}

export function triggerOptions(setting: TriggerSetting): TriggerOptions {
  const { type, metadata, env = {}, auth = {}, metricType, isFormulaInput = false, podIdentity } = setting;
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

export interface WorldSetting {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Addresses by `host/namespace`. */
  readonly addresses?: Readonly<Record<string, string>>;
}

/** For tests: a cluster of no objects. */
export function triggerWorld({ clock, signal, timeoutMs = 3_000, addresses = {} }: WorldSetting): TriggerWorld {
  return {
    clock,
    log: silentLog,
    http: new Agent(),
    signal,
    timeoutMs,
    resolve: (host, namespace) => addresses[`${host}/${namespace}`] ?? host,
    pods: () => [],
    configMap: () => undefined,
    secret: () => undefined,
    endpoints: () => [],
  };
}
