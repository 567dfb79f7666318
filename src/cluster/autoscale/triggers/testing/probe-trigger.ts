import { Agent } from "undici";
import { messageOf } from "#base";
import { lookupIn } from "../clients/cluster-lookup.ts";
import type { Trigger, TriggerReading } from "../trigger.ts";
import { buildTrigger, readOnce, type TriggerCase, triggerWorld, type WorldChanges } from "./trigger-fixture.ts";

export type Given = Omit<TriggerCase, "type">;

/** For tests: builds triggers in one world, and says what goes wrong instead of throwing it. */
export interface TriggerProbe {
  build(type: string, given: Given): Promise<Trigger>;
  /** Builds a trigger, reads its only metric once and closes it; the message when one of these fails. */
  read(type: string, given: Given): Promise<TriggerReading | string>;
  /** What is wrong with a trigger's configuration; "none" when it can be built. */
  fault(type: string, given: Given): Promise<string>;
  close(): Promise<void>;
}

export function probeTriggers(changes: WorldChanges): TriggerProbe {
  const stop = new AbortController();
  const { resolve } = triggerWorld(changes);
  const http = new Agent({ connect: { lookup: lookupIn({ resolve }, "shop") } });
  const world = triggerWorld({ http, signal: stop.signal, ...changes });
  const build = (type: string, given: Given): Promise<Trigger> => buildTrigger({ type, ...given }, world);
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
