import { Agent } from "undici";
import { type Clock, messageOf, silentLog } from "#base";
import { triggerKinds } from "./index.ts";
import { TriggerConfig, type TriggerConfigSources } from "./trigger-config.ts";
import type { ExternalTrigger, Trigger, TriggerReading, TriggerWorld } from "./trigger.ts";

/** For tests: builds triggers of one namespace as the controller does, in a world that holds what the test says. */
export interface TriggerProbe {
  build(type: string, given: Given): Promise<Trigger>;
  /** Builds a trigger, reads its only metric once and closes it; the message when one of these fails. */
  read(type: string, given: Given): Promise<TriggerReading | string>;
  /** What is wrong with a trigger's configuration; "none" when it can be built. */
  fault(type: string, given: Given): Promise<string>;
  close(): Promise<void>;
}

export interface Given extends Partial<TriggerConfigSources> {
  readonly metricType?: string;
  readonly podIdentity?: string;
  readonly isFormulaInput?: boolean;
}

export function probeTriggers(world: Partial<TriggerWorld> & { readonly clock: Clock }): TriggerProbe {
  const http = new Agent();
  const stop = new AbortController();
  const whole: TriggerWorld = {
    log: silentLog,
    http,
    signal: stop.signal,
    timeoutMs: 3000,
    resolve: (host) => host,
    pods: () => [],
    configMap: () => undefined,
    secret: () => undefined,
    endpoints: () => [],
    ...world,
  };
  const build = (type: string, given: Given): Promise<Trigger> => {
    const kind = triggerKinds.find(({ types }) => types.includes(type));
    if (kind === undefined) throw new Error(`there is no trigger "${type}"`);
    const sources = { metadata: given.metadata ?? {}, env: given.env ?? {}, auth: given.auth ?? {} };
    const options = {
      type,
      index: 0,
      scaledObject: { namespace: "shop", name: "web" },
      metricType: given.metricType,
      config: new TriggerConfig(type, sources),
      isFormulaInput: given.isFormulaInput ?? false,
      podIdentity: given.podIdentity,
    };
    // What a kind throws at once comes back as it comes from the others.
    return Promise.resolve().then(() => kind.build(options, whole));
  };
  return {
    build,
    async read(type, given) {
      const trigger = await build(type, given);
      try {
        return await readOnce(trigger, stop.signal);
      } catch (thrown) {
        return messageOf(thrown);
      } finally {
        await trigger.close();
      }
    },
    async fault(type, given) {
      try {
        const trigger = await build(type, given);
        await trigger.close();
        return "none";
      } catch (thrown) {
        return messageOf(thrown);
      }
    },
    async close() {
      stop.abort();
      await http.destroy();
    },
  };
}

async function readOnce(trigger: Trigger, signal: AbortSignal): Promise<TriggerReading> {
  const external = externalOf(trigger);
  const [metric] = await external.metrics(signal);
  if (metric === undefined) throw new Error("the trigger has no metric");
  return external.read(metric, signal);
}

export function externalOf(trigger: Trigger): ExternalTrigger {
  if (trigger.kind !== "external") throw new Error("the trigger has no values of its own");
  return trigger;
}
