import { setMaxListeners } from "node:events";
import type { Canary, CanaryAlert } from "#api";
import { type Clock, formatProblem, type Log, type Problem, type Random, type Result } from "#base";
import { createGrace, type OutboundHttp } from "../gates/index.ts";
import type { Alert, AlertRelay } from "./alert.ts";
import { receiversOf } from "./alert-problems.ts";
import { formatAlert } from "./formats/format.ts";
import type { GlobalAlertSettings } from "./global-settings.ts";
import { type Notice, noticeOf } from "./notice.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { type AlertLookups, globalReceiver, type Receiver, type ReceiverType } from "./receiver.ts";
import { createRecent } from "./recent.ts";

export interface AlertRelayOptions {
  readonly lookups: AlertLookups;
  readonly http: OutboundHttp;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Aborts when the operator ends; `flush` then waits for what is left. */
  readonly signal: AbortSignal;
  /** Shown as the field `Cluster`; empty for none. */
  readonly clusterName: string;
  readonly global: GlobalAlertSettings;
}

/** At the end of the operator; pods have 30 s to end, and events come before. */
const FLUSH_MS = 10_000;
const MAX_REMEMBERED_COUNT = 5000;

/**
 * Makes a relay. Each alert goes to the Canary's own receivers that want its severity, else to the global one; each
 * receiver has its own queue, rate and retries. A message that was taken once is not taken again when its reconcile is
 * repeated. Source: flagger-spec 7.
 */
export function createAlertRelay(options: AlertRelayOptions): AlertRelay {
  const { clock, log, lookups, clusterName } = options;
  const grace = createGrace(clock, FLUSH_MS);
  const outboxes = new Map<string, Outbox>();
  const taken = createRecent(MAX_REMEMBERED_COUNT);
  const told = createRecent(MAX_REMEMBERED_COUNT);
  const stopping = AbortSignal.any([options.signal, grace.signal]);
  // One listener for each receiver that is waited for.
  setMaxListeners(0, stopping);
  const ports = { ...options, stopping, givenUp: grace.signal };
  const global = globalReceiver(options.global);

  function outboxOf(key: string): Outbox {
    for (const [other, outbox] of outboxes) if (outbox.isLikeNew()) outboxes.delete(other);
    const outbox = outboxes.get(key) ?? createOutbox(ports);
    outboxes.set(key, outbox);
    return outbox;
  }

  function sendTo(found: Result<Receiver | undefined, Problem>, notice: Notice): void {
    if (!found.ok) {
      const problem = formatProblem(found.error);
      if (told.add(`${notice.canaryRef} ${problem}`))
        log.warn("alerts cannot be sent", { canary: notice.canaryRef, problem });
      return;
    }
    const receiver = found.value;
    const request = receiver === undefined ? undefined : formatAlert(notice, receiver);
    if (receiver === undefined || request === undefined) return;
    outboxOf(receiver.key).add({ receiver, request, canaryRef: notice.canaryRef, isTerminal: notice.isTerminal });
  }

  return {
    send(alert) {
      const notice = noticeOf(alert, { clusterName, nowMs: clock.nowMs() });
      if (grace.signal.aborted || !taken.add(notice.id)) return;
      for (const found of wantedReceivers(alert, lookups) ?? [global]) sendTo(found, notice);
    },
    flush: () =>
      grace.finish(() => {
        const open = [...outboxes.values()].flatMap((outbox) => outbox.sending() ?? []);
        return open.length === 0 ? undefined : Promise.all(open);
      }),
  };
}

/** The Canary's own receivers that want the alert; undefined when it names none. */
function wantedReceivers(alert: Alert, lookups: AlertLookups): Result<Receiver, Problem>[] | undefined {
  const canary: Canary = alert.canary;
  const own = receiversOf(canary, lookups);
  if (own.length === 0) return undefined;
  return own.flatMap(({ alert: entry, receiver }) =>
    wants(entry, alert, receiver.ok ? receiver.value.type : undefined) ? [receiver] : [],
  );
}

const RANKS = { info: 0, warn: 1, error: 2 };
/** They keep a state, and must hear of the end of a release to leave it, whatever they want to hear else. */
const STATEFUL: ReadonlySet<ReceiverType | undefined> = new Set<ReceiverType | undefined>(["pagerduty", "github"]);

/** Absent and empty mean info, as Flagger's documentation says; its code sends nothing then. */
function wants({ severity }: CanaryAlert, alert: Alert, type: ReceiverType | undefined): boolean {
  if (STATEFUL.has(type) && alert.isTerminal) return true;
  return RANKS[alert.severity] >= RANKS[severity || "info"];
}
