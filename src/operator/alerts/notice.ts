import { createHash } from "node:crypto";
import type { Canary } from "#api";
import { namesOf } from "#rollout";
import { plainText } from "../gates/index.ts";
import type { Alert, AlertField, AlertSeverity } from "./alert.ts";

/** An alert as text, bounded and clean: all that a format may use. */
export interface Notice {
  /** The same for repetitions of the same message about the same step of the same release. */
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  /** `name.namespace`, as Flagger writes it. */
  readonly canaryRef: string;
  readonly cluster: string;
  readonly severity: AlertSeverity;
  readonly message: string;
  /** Empty for none. */
  readonly reason: string;
  /** Cluster, then what the alert has; the reason as `Why` at the end, so that Flagger's fields keep their places. */
  readonly fields: readonly AlertField[];
  readonly isTerminal: boolean;
  /** Hash of the release's template; empty before the first. */
  readonly revision: string;
  readonly commit?: string;
  readonly timeMs: number;
}

const MAX_TEXT_LENGTH = 1000;
const MAX_FIELD_COUNT = 20;

export function noticeOf(alert: Alert, at: { readonly clusterName: string; readonly nowMs: number }): Notice {
  const { canary, severity, isTerminal } = alert;
  const { canary: name, namespace, canaryRef } = namesOf(canary);
  const message = plainText(alert.message, MAX_TEXT_LENGTH);
  const reason = plainText(alert.reason ?? "", MAX_TEXT_LENGTH);
  const commit = commitOf(canary);
  const cluster = at.clusterName === "" ? [] : [{ title: "Cluster", value: at.clusterName }];
  const given = alert.fields.filter(({ title }) => cluster.length === 0 || title !== "Cluster");
  const fields = [
    ...cluster,
    ...given.slice(0, MAX_FIELD_COUNT),
    ...(reason === "" ? [] : [{ title: "Why", value: reason }]),
  ];
  return {
    id: idOf(alert),
    name,
    namespace,
    canaryRef,
    cluster: at.clusterName,
    severity,
    message,
    reason,
    fields: fields.map(({ title, value }) => ({
      title: plainText(title, MAX_TEXT_LENGTH),
      value: plainText(value, MAX_TEXT_LENGTH),
    })),
    isTerminal,
    revision: canary.status?.lastAppliedSpec ?? "",
    ...(commit === undefined ? {} : { commit }),
    timeMs: at.nowMs,
  };
}

/** The commit that a release is about, as the pipeline wrote it on the Canary; a full hash in SHA-1 or SHA-256. */
export function commitOf(canary: Canary): string | undefined {
  const commit = canary.metadata.annotations?.["serin.dev/commit"]?.trim() ?? "";
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(commit) ? commit.toLowerCase() : undefined;
}

/**
 * What makes two alerts the same. A reconcile that is repeated because the status could not be written sees the same
 * status again, and its time of transition; a second run of the same revision has another. Texts of terminal alerts do
 * not count, since they may quote counts that have moved on: a release has one end of each kind.
 */
function idOf({ canary, severity, message, isTerminal }: Alert): string {
  const { uid, namespace, name } = canary.metadata;
  const { lastAppliedSpec, lastTransitionTime } = canary.status ?? {};
  const release = [uid, namespace, name, lastAppliedSpec, lastTransitionTime];
  const parts = JSON.stringify([...release, severity, isTerminal ? "terminal" : message]);
  return createHash("sha256").update(parts).digest("hex").slice(0, 32);
}
