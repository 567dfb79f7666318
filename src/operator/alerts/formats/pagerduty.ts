import type { Notice } from "../notice.ts";
import type { Receiver } from "../receiver.ts";
import type { AlertRequest } from "./alert-request.ts";

/**
 * An event of PagerDuty's Events API v2. Warnings and errors trigger an incident, one for each Canary; the end of a
 * release that succeeded resolves it. Other messages are nothing to be woken for. Source: PagerDuty, Events API v2.
 */
export function formatPagerduty(notice: Notice, receiver: Receiver): AlertRequest | undefined {
  const common = { routing_key: receiver.token, dedup_key: dedupKeyOf(notice) };
  if (notice.severity === "info") {
    return notice.isTerminal ? { url: receiver.address, body: { ...common, event_action: "resolve" } } : undefined;
  }
  const details = notice.fields.map(({ title, value }) => [title, value] as const);
  const payload = {
    summary: `${notice.canaryRef}: ${notice.message}`.slice(0, 1024),
    severity: notice.severity === "error" ? "error" : "warning",
    source: notice.cluster === "" ? notice.canaryRef : notice.cluster,
    component: notice.name,
    group: notice.namespace,
    class: "canary",
    timestamp: new Date(notice.timeMs).toISOString(),
    custom_details: { ...Object.fromEntries(details), Revision: notice.revision },
  };
  return { url: receiver.address, body: { ...common, event_action: "trigger", client: "Serin", payload } };
}

/** At most 255 characters. */
function dedupKeyOf({ cluster, namespace, name }: Notice): string {
  return `serin/${namespace}/${name}/${cluster}`.slice(0, 255);
}
