import { plainText } from "../../gates/index.ts";
import type { Notice } from "../notice.ts";
import type { Receiver } from "../receiver.ts";
import type { AlertRequest } from "./alert-request.ts";

/**
 * The status of a commit on GitHub: pending while the release goes on, then success or failure. One context for each
 * Canary, so that a commit that several release shows each. Source: GitHub REST API, "Create a commit status",
 * 2022-11-28; the description has at most 140 characters.
 */
export function formatGithub(notice: Notice, receiver: Receiver): AlertRequest | undefined {
  if (notice.commit === undefined) return undefined;
  const base = receiver.address.replace(/\/+$/, "");
  const context = ["serin", notice.cluster, notice.namespace, notice.name].filter((part) => part !== "").join("/");
  const description = notice.reason === "" ? notice.message : `${notice.message} ${notice.reason}`;
  return {
    url: `${base}/repos/${receiver.channel}/statuses/${notice.commit}`,
    headers: {
      authorization: `Bearer ${receiver.token}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
      // GitHub refuses requests without one.
      "user-agent": "serin",
    },
    body: { state: stateOf(notice), context, description: plainText(description, 140) },
  };
}

function stateOf({ severity, isTerminal }: Notice): "pending" | "success" | "failure" {
  if (severity === "error") return "failure";
  return severity === "info" && isTerminal ? "success" : "pending";
}
