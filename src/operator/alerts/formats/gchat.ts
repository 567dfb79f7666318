import type { Notice } from "../notice.ts";
import type { Receiver } from "../receiver.ts";
import type { AlertRequest } from "./alert-request.ts";

/** A card of Google Chat: one section for the message, one for each field. Source: flagger-spec 7. */
export function formatGchat(notice: Notice, receiver: Receiver): AlertRequest {
  const texts = [
    `<b>${escapeHtml(notice.message)}</b>`,
    ...notice.fields.map(({ title, value }) => `${escapeHtml(title)}<br><b>${escapeHtml(value)}</b>`),
  ];
  const header = { title: "Flagger", subtitle: notice.canaryRef, imageUrl: "https://flagger.app/favicon.png" };
  const sections = texts.map((text) => ({ widgets: [{ textParagraph: { text } }] }));
  return { url: receiver.address, body: { cards: [{ header, sections }] } };
}

/** Text paragraphs are a subset of HTML. */
function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
