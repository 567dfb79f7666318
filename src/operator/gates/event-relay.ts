import type { Canary, CanaryWebhook } from "#api";
import type { Clock, Log } from "#base";
import type { OutboundHttp } from "./http.ts";
import { callWebhook, type WebhookPayload } from "./webhook.ts";

/** Sends events to whoever asked for them, in their order and apart from the loop that made them. */
export interface EventRelay {
  send(
    canary: Canary,
    event: { readonly type: string; readonly message: string; readonly payload: WebhookPayload },
  ): void;
  /** Resolves when all that was sent has arrived or was dropped. */
  flush(): Promise<void>;
}

/** A receiver that hangs must not fill the memory. */
const MAX_QUEUED_COUNT = 500;

/**
 * Makes a relay. A Canary's own `event` hooks take the place of the global one. Source: flagger-spec 6.3; Flagger waits
 * for each receiver in the middle of its tick.
 */
export function createEventRelay(options: {
  /** URL of the global receiver; empty for none. */
  readonly globalUrl: string;
  readonly http: OutboundHttp;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): EventRelay {
  const queue: { readonly hook: CanaryWebhook; readonly payload: WebhookPayload }[] = [];
  let sending: Promise<void> | undefined;

  async function drain(): Promise<void> {
    for (let next = queue.shift(); next !== undefined && !options.signal.aborted; next = queue.shift()) {
      const answer = await callWebhook(next.hook, next.payload, options);
      if (!answer.isPassed) options.log.warn("event webhook failed", { hook: next.hook.name, error: answer.detail });
    }
  }

  function pump(): void {
    if (sending !== undefined || queue.length === 0 || options.signal.aborted) return;
    sending = drain().finally(() => {
      sending = undefined;
      pump();
    });
  }

  return {
    send(canary, { type, message, payload }) {
      for (const hook of receiversOf(canary, options.globalUrl)) {
        if (queue.length >= MAX_QUEUED_COUNT) {
          options.log.warn("event webhook dropped, too many wait", { hook: hook.name });
          continue;
        }
        const facts = { eventMessage: message, eventType: type, timestamp: String(options.clock.nowMs()) };
        queue.push({ hook, payload: { ...payload, metadata: { ...hook.metadata, ...facts } } });
      }
      pump();
    },
    async flush() {
      while (sending !== undefined) await sending;
    },
  };
}

function receiversOf(canary: Canary, globalUrl: string): readonly CanaryWebhook[] {
  const webhooks = canary.spec.analysis?.webhooks;
  const own = Array.isArray(webhooks) ? webhooks.filter((hook) => hook.type === "event") : [];
  if (own.length > 0) return own;
  return globalUrl === "" ? [] : [{ name: "global", url: globalUrl, type: "event" }];
}
