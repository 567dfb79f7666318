import type { AlertProvider, Canary, CanaryAlert, Secret } from "#api";
import type { Alert } from "./alert.ts";
import type { AlertLookups } from "./receiver.ts";

/** Objects that alerts are about, for tests. */

export function provider(spec: AlertProvider["spec"], namespace = "default", name = "on-call"): AlertProvider {
  return { apiVersion: "flagger.app/v1beta1", kind: "AlertProvider", metadata: { name, namespace }, spec };
}

export function secret(values: Readonly<Record<string, string>>, namespace = "default", name = "keys"): Secret {
  const data = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")] as const);
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, data: Object.fromEntries(data) };
}

export function lookupsOf(objects: readonly (AlertProvider | Secret)[], allowsCrossNamespace = true): AlertLookups {
  const find = (kind: string, key: { readonly namespace?: string; readonly name: string }) =>
    objects.find(
      (object) =>
        object.kind === kind && object.metadata.name === key.name && object.metadata.namespace === key.namespace,
    );
  return {
    provider: (key) => find("AlertProvider", key) as AlertProvider | undefined,
    secret: (key) => find("Secret", key) as Secret | undefined,
    allowsCrossNamespace,
  };
}

/** The Canary podinfo.default with these alerts. */
export function alertingCanary(alerts: readonly CanaryAlert[], changes: Partial<Canary> = {}): Canary {
  return {
    apiVersion: "flagger.app/v1beta1",
    kind: "Canary",
    metadata: { name: "podinfo", namespace: "default", uid: "u1" },
    spec: {
      targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "podinfo" },
      analysis: { interval: "1m", threshold: 5, stepWeight: 10, maxWeight: 50, alerts },
    },
    status: { phase: "Progressing", lastAppliedSpec: "s1", lastTransitionTime: "2026-01-01T00:00:00Z" },
    ...changes,
  };
}

export function alertAbout(canary: Canary, changes: Partial<Alert> = {}): Alert {
  return { canary, severity: "info", message: "hi", fields: [], isTerminal: false, ...changes };
}
