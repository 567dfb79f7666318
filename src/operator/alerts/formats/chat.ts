import type { Notice } from "../notice.ts";
import type { Receiver } from "../receiver.ts";
import type { AlertRequest } from "./alert-request.ts";

type Chat = "slack" | "discord" | "rocket";

const COLORS: Record<Chat, { readonly usual: string; readonly error: string }> = {
  slack: { usual: "good", error: "danger" },
  discord: { usual: "good", error: "danger" },
  rocket: { usual: "#0076D7", error: "#FF0000" },
};

/** The message of an incoming webhook of Slack, which Discord and Rocket.Chat take as well. Source: flagger-spec 7. */
export function formatChat(notice: Notice, receiver: Receiver, chat: Chat): AlertRequest {
  const shown = chat === "slack" ? escapeSlack : (text: string) => text;
  const { usual, error } = COLORS[chat];
  return {
    url: chat === "discord" ? slackPathOf(receiver.address) : receiver.address,
    ...(chat === "slack" && receiver.token !== "" ? { headers: { authorization: `Bearer ${receiver.token}` } } : {}),
    body: {
      channel: receiver.channel,
      username: receiver.username,
      icon_url: "",
      icon_emoji: ":rocket:",
      attachments: [
        {
          color: notice.severity === "error" ? error : usual,
          author_name: notice.canaryRef,
          text: shown(notice.message),
          mrkdwn_in: ["text"],
          fields: notice.fields.map(({ title, value }) => ({ title, value: shown(value), short: false })),
        },
      ],
    },
  };
}

/** Texts may quote answers of hooks; `<!channel>` in one must not call everybody. Source: Slack, formatting text for app surfaces. */
function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Discord takes Slack's message at the path `/slack` of the webhook. */
function slackPathOf(address: string): string {
  const url = new URL(address);
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = path.endsWith("/slack") ? path : `${path}/slack`;
  return url.href;
}
