import type { Notice } from "../notice.ts";
import type { Receiver } from "../receiver.ts";
import type { AlertRequest } from "./alert-request.ts";

/** Addresses that a workflow of Power Automate gets; they take Adaptive Cards, connectors take MessageCards. */
const WORKFLOW_HOST = /\.(?:logic\.azure\.(?:com|us|cn)|powerplatform\.(?:com|us|cn)|powerautomate\.com)$/;

/**
 * A message of Microsoft Teams. Connectors (`webhook.office.com`) take the MessageCard that Flagger sends; workflows,
 * which replace them, take an Adaptive Card. The address tells which it is. Source: flagger-spec 7; Microsoft Learn,
 * "Create and send messages" of Teams' webhooks and connectors.
 */
export function formatMsteams(notice: Notice, receiver: Receiver): AlertRequest {
  const { hostname, pathname } = new URL(receiver.address);
  const isWorkflow = WORKFLOW_HOST.test(hostname) || pathname.includes("/workflows/");
  return { url: receiver.address, body: isWorkflow ? adaptiveCard(notice) : messageCard(notice) };
}

function messageCard(notice: Notice): unknown {
  return {
    "@type": "MessageCard",
    "@context": "http://schema.org/extensions",
    themeColor: notice.severity === "error" ? "FF0000" : "0076D7",
    summary: `${notice.canaryRef}: ${notice.message}`,
    sections: [
      {
        activityTitle: notice.message,
        activitySubtitle: notice.canaryRef,
        facts: notice.fields.map(({ title, value }) => ({ name: title, value })),
      },
    ],
  };
}

function adaptiveCard(notice: Notice): unknown {
  const color = { info: "Default", warn: "Warning", error: "Attention" }[notice.severity];
  const facts = notice.fields.map(({ title, value }) => ({ title, value }));
  return {
    type: "message",
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        contentUrl: null,
        content: {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.4",
          msteams: { width: "Full" },
          body: [
            { type: "TextBlock", text: notice.message, weight: "Bolder", size: "Medium", wrap: true, color },
            { type: "TextBlock", text: notice.canaryRef, isSubtle: true, spacing: "None", wrap: true },
            ...(facts.length === 0 ? [] : [{ type: "FactSet", facts }]),
          ],
        },
      },
    ],
  };
}
