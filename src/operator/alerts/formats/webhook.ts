import type { Notice } from "../notice.ts";
import type { Receiver } from "../receiver.ts";
import type { AlertRequest } from "./alert-request.ts";

/** The message for programs of the user's own, as docs/alerts.md describes it. New keys may be added, none goes. */
export function formatWebhook(notice: Notice, receiver: Receiver): AlertRequest {
  return {
    url: receiver.address,
    ...(receiver.token === "" ? {} : { headers: { authorization: `Bearer ${receiver.token}` } }),
    body: {
      id: notice.id,
      time: new Date(notice.timeMs).toISOString(),
      cluster: notice.cluster,
      canary: { name: notice.name, namespace: notice.namespace },
      revision: notice.revision,
      ...(notice.commit === undefined ? {} : { commit: notice.commit }),
      severity: notice.severity,
      message: notice.message,
      reason: notice.reason,
      isTerminal: notice.isTerminal,
      fields: notice.fields,
    },
  };
}
