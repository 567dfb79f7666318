import { type CanaryWebhook, type CanaryWebhookType, type KubeObject, resources, type Service } from "#api";
import type { KubeClient } from "#kube";
import { APP } from "./fast-app.ts";

const NAMESPACE = "test";
const PORT = 8080;

/** Flagger's load tester under a name of the namespace `test`. */
export function loadTester(name: string): KubeObject[] {
  const labels = { app: name };
  const container = {
    name: "loadtester",
    image: "ghcr.io/fluxcd/flagger-loadtester:0.38.0",
    command: ["./loadtester", `-port=${PORT}`, "-log-level=info"],
    ports: [{ name: "http", containerPort: PORT }],
    readinessProbe: { httpGet: { path: "/healthz", port: PORT }, periodSeconds: 1 },
  };
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace: NAMESPACE },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: NAMESPACE },
      spec: { selector: labels, ports: [{ name: "http", port: PORT, targetPort: "http" }] },
    },
  ];
}

/** A webhook that asks the gate of a load tester. */
export function gateCheck(type: CanaryWebhookType, tester: string): CanaryWebhook {
  return { name: "gate", type, url: `http://${tester}.${NAMESPACE}:${PORT}/gate/check` };
}

/** Opens or closes a gate of an app's Canary, as a person does with curl. */
export async function setGate(
  client: KubeClient,
  {
    tester,
    path,
    app,
  }: { readonly tester: string; readonly path: string; readonly app: { readonly namespace: string } },
): Promise<void> {
  const service = await client.get<Service>(resources.services, { namespace: NAMESPACE, name: tester });
  const body = JSON.stringify({ name: APP, namespace: app.namespace });
  const answer = await fetch(`http://${service?.spec.clusterIP}:${PORT}${path}`, { method: "POST", body });
  if (answer.status !== 202) throw new Error(`POST ${path} to ${tester} answered ${answer.status}`);
}
