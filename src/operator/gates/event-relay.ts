import type { Canary, CanaryWebhook } from "#api";
import type { Clock, Log } from "#base";
import { createGrace } from "./grace.ts";
import type { OutboundHttp } from "./http.ts";
import { callWebhook, type WebhookPayload } from "./webhook.ts";

/** Sends events to whoever asked for them, to each receiver in their order and apart from the loop that made them. */
export interface EventRelay {
  send(
    canary: Canary,
    event: { readonly type: string; readonly message: string; readonly payload: WebhookPayload },
  ): void;
  /** Resolves when all that was sent has arrived or was given up, after 5 s at most; the last call to a relay. */
  flush(): Promise<void>;
}

/** A receiver that hangs must not fill the memory; many of them must not either. */
const MAX_LANE_LENGTH = 500;
const MAX_QUEUED_COUNT = 5000;
const FLUSH_MS = 5000;

interface Waiting {
  readonly hook: CanaryWebhook;
  readonly payload: WebhookPayload;
}

/** What waits for one address. Each has its own, so that a receiver that hangs delays nobody else's events. */
interface Lane {
  readonly queue: Waiting[];
  readonly sending: Promise<void>;
}

/**
 * Makes a relay. A Canary's own `event` hooks take the place of the global one. Source: flagger-spec 6.3; Flagger waits
 * for each receiver in the middle of its tick.
 *
 * Where too many wait, the oldest goes: the last event of a release is the one that says how it ended.
 */
export function createEventRelay(options: {
  /** URL of the global receiver; empty for none. */
  readonly globalUrl: string;
  readonly http: OutboundHttp;
  readonly clock: Clock;
  readonly log: Log;
}): EventRelay {
  const { clock, http, log } = options;
  const grace = createGrace(clock, FLUSH_MS);
  const lanes = new Map<string, Lane>();
  let queuedCount = 0;

  async function drain(url: string, queue: Waiting[]): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      queuedCount--;
      if (grace.signal.aborted) continue;
      const answer = await callWebhook(next.hook, next.payload, { http, clock, signal: grace.signal });
      if (!answer.isPassed) log.warn("event webhook failed", { hook: next.hook.name, error: answer.detail });
    }
    lanes.delete(url);
  }

  function add(waiting: Waiting): void {
    const { name, url } = waiting.hook;
    const lane = lanes.get(url);
    if (queuedCount >= MAX_QUEUED_COUNT || (lane?.queue.length ?? 0) >= MAX_LANE_LENGTH) {
      log.warn("event webhook dropped, too many wait", { hook: name });
      if (lane?.queue.shift() === undefined) return;
      queuedCount--;
    }
    queuedCount++;
    if (lane !== undefined) {
      lane.queue.push(waiting);
      return;
    }
    const queue = [waiting];
    lanes.set(url, { queue, sending: Promise.resolve().then(() => drain(url, queue)) });
  }

  return {
    send(canary, { type, message, payload }) {
      if (grace.signal.aborted) return;
      for (const hook of receiversOf(canary, options.globalUrl)) {
        const facts = { eventMessage: message, eventType: type, timestamp: String(clock.nowMs()) };
        add({ hook, payload: { ...payload, metadata: { ...hook.metadata, ...facts } } });
      }
    },
    flush: () =>
      grace.finish(() => (lanes.size === 0 ? undefined : Promise.all([...lanes.values()].map((lane) => lane.sending)))),
  };
}

function receiversOf(canary: Canary, globalUrl: string): readonly CanaryWebhook[] {
  const webhooks = canary.spec.analysis?.webhooks;
  const own = Array.isArray(webhooks) ? webhooks.filter((hook) => hook.type === "event") : [];
  if (own.length > 0) return own;
  return globalUrl === "" ? [] : [{ name: "global", url: globalUrl, type: "event" }];
}
