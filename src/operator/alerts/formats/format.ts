import { unreachable } from "#base";
import type { Notice } from "../notice.ts";
import type { Receiver } from "../receiver.ts";
import type { AlertRequest } from "./alert-request.ts";
import { formatChat } from "./chat.ts";
import { formatGchat } from "./gchat.ts";
import { formatGithub } from "./github.ts";
import { formatMsteams } from "./msteams.ts";
import { formatPagerduty } from "./pagerduty.ts";
import { formatWebhook } from "./webhook.ts";

/** Gives a notice the shape of its receiver; undefined where the receiver has no use for it. */
export function formatAlert(notice: Notice, receiver: Receiver): AlertRequest | undefined {
  switch (receiver.type) {
    case "slack":
    case "discord":
    case "rocket":
      return formatChat(notice, receiver, receiver.type);
    case "msteams":
      return formatMsteams(notice, receiver);
    case "gchat":
      return formatGchat(notice, receiver);
    case "pagerduty":
      return formatPagerduty(notice, receiver);
    case "webhook":
      return formatWebhook(notice, receiver);
    case "github":
      return formatGithub(notice, receiver);
    default:
      return unreachable(receiver.type);
  }
}
