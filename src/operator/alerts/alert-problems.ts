import type { Canary, CanaryAlert } from "#api";
import { isObject, type Problem, type Result } from "#base";
import { commitOf } from "./notice.ts";
import { type AlertLookups, findReceiver, type Receiver } from "./receiver.ts";

/** Annotation of the Canary that holds the commit for which `github` sets a status. */
const COMMIT_PATH = "metadata.annotations[serin.dev/commit]";

/** What keeps alerts of this Canary from being sent, for its conditions. A release goes on without them. */
export function alertProblems(canary: Canary, lookups: AlertLookups): readonly Problem[] {
  return receiversOf(canary, lookups).flatMap(({ receiver }) => (receiver.ok ? [] : [receiver.error]));
}

/** The receivers of a Canary's own alerts, each found or with the problem that hides it. */
export function receiversOf(
  canary: Canary,
  lookups: AlertLookups,
): readonly { readonly alert: CanaryAlert; readonly receiver: Result<Receiver, Problem> }[] {
  return alertsOf(canary).map((alert, index) => {
    const path = `spec.analysis.alerts[${index}]`;
    const receiver = findReceiver({ canary, alert, path }, lookups);
    if (!receiver.ok || receiver.value.type !== "github" || commitOf(canary) !== undefined) return { alert, receiver };
    const error: Problem = {
      path: COMMIT_PATH,
      code: "required",
      message: `must be the full commit hash that AlertProvider "${receiver.value.key}" sets the status of`,
      fix: "let the pipeline that changes the target write it",
    };
    return { alert, receiver: { ok: false, error } };
  });
}

/** A Canary with mistakes is told so by alerts too, so the list may be anything. */
function alertsOf(canary: Canary): readonly CanaryAlert[] {
  const analysis: Partial<Canary["spec"]["analysis"]> | undefined = canary.spec.analysis;
  const alerts: readonly unknown[] = Array.isArray(analysis?.alerts) ? analysis.alerts : [];
  return alerts.filter((alert): alert is CanaryAlert => isObject(alert) && isObject(alert.providerRef));
}
