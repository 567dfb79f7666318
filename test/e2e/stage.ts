import { join } from "node:path";
import { type Canary, type Event, resources, type Service } from "#api";
import { createKubeClient, type KubeClient, loadKubeconfig } from "#kube";
import { applyObjects } from "../../src/cli/demo/apply.ts";
import { type AlertInbox, openAlertInbox, type ReceivedAlert } from "./alert-inbox.ts";
import { APP, fastApp, type FastAppOptions, NEW_IMAGE } from "./fast-app.ts";
import { startUpCluster, type UpCluster } from "./up-cluster.ts";
import { startVisitor, type Visit, visitOnce, type Visitor, type VisitorOptions } from "./visitor.ts";

/** One `serin up` for many apps, each in a namespace of its own. */
export interface Stage {
  readonly cluster: UpCluster;
  readonly client: KubeClient;
  readonly inbox: AlertInbox;
  /** An app of {@link fastApp}, not applied yet. */
  app(namespace: string, options?: Omit<FastAppOptions, "namespace" | "host">): StagedApp;
  /** Value of an instant query on the cluster's metrics; 0 when it has none. */
  instant(query: string): Promise<number>;
  close(): Promise<void>;
}

/** Starts the cluster with the shortest intervals, and the inbox of every app's alerts. */
export async function openStage(): Promise<Stage> {
  const inbox = await openAlertInbox();
  const cluster = await startUpCluster("--min-interval", "1s", "--scrape-interval", "1s");
  const client = createKubeClient(await loadKubeconfig(join(cluster.directory, "data", "kubeconfig")));
  return {
    cluster,
    client,
    inbox,
    app: (namespace, options = {}) => new StagedApp({ cluster, client, inbox }, { namespace, ...options }),
    instant: (query) => askMetrics(cluster, query),
    async close() {
      await client.close();
      await cluster.close();
      await inbox.close();
    },
  };
}

/** Source: Prometheus HTTP API, instant queries. */
async function askMetrics(cluster: UpCluster, query: string): Promise<number> {
  const url = /metrics +(\S+)/.exec(cluster.serin.stdout())?.[1] ?? "";
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
  const answer = (await response.json()) as { data: { result: readonly { value: readonly [number, string] }[] } };
  return Number(answer.data.result[0]?.value[1] ?? 0);
}

const POLL_MS = 150;
const DEADLINE_MS = 120_000;

/** One app of a stage, its clients and what became of it. */
export class StagedApp {
  readonly #stage: Pick<Stage, "client" | "cluster" | "inbox">;
  readonly #options: FastAppOptions & { readonly namespace: string };
  readonly #visitors: Visitor[] = [];
  readonly namespace: string;
  readonly host: string;

  constructor(
    stage: Pick<Stage, "client" | "cluster" | "inbox">,
    options: FastAppOptions & { readonly namespace: string },
  ) {
    this.#stage = stage;
    this.#options = options;
    this.namespace = options.namespace;
    this.host = `${options.namespace}.example.com`;
  }

  /** Applies app, alert provider and Canary, and waits until the Canary is initialized and the app answers its clients. */
  async install({ isRouted = true }: { readonly isRouted?: boolean } = {}): Promise<void> {
    const { client, inbox } = this.#stage;
    const alerts = [{ name: "inbox", severity: "info", providerRef: { name: "inbox" } }];
    const analysis = { alerts, ...this.#options.analysis };
    const [namespace, ...rest] = fastApp({ replicas: 1, ...this.#options, host: this.host, analysis });
    const provider = {
      apiVersion: "flagger.app/v1beta1",
      kind: "AlertProvider",
      metadata: { name: "inbox", namespace: this.namespace },
      spec: { type: "webhook", address: inbox.url },
    };
    await applyObjects(client, [...(namespace === undefined ? [] : [namespace]), provider, ...rest]);
    await this.waitForPhase("Initialized");
    const entry = isRouted ? this.atGateway() : await this.atService();
    await this.waitUntil("answer", async () => (await visitOnce(entry)).status === 200);
  }

  /** Gives the target another image, and faults if any. */
  async release({ image = NEW_IMAGE, fault }: { readonly image?: string; readonly fault?: string } = {}) {
    const env = fault === undefined ? [] : [{ name: "PODINFO_FAULT", value: fault }];
    const body = { spec: { template: { spec: { containers: [{ name: "web", image, env }] } } } };
    const resource = this.#options.kind === "DaemonSet" ? resources.daemonSets : resources.deployments;
    await this.#stage.client.patch(resource, this.key(), { kind: "strategic", body });
  }

  key(name: string = APP): { readonly namespace: string; readonly name: string } {
    return { namespace: this.namespace, name };
  }

  async canary(): Promise<Canary> {
    const found = await this.#stage.client.get<Canary>(resources.canaries, this.key());
    if (found === undefined) throw new Error(`the Canary of ${this.namespace} is gone`);
    return found;
  }

  /** Changes the Canary by a merge patch. */
  async patchCanary(body: object): Promise<void> {
    await this.#stage.client.patch(resources.canaries, this.key(), { kind: "merge", body });
  }

  /** Messages of the events about the Canary. */
  async events(): Promise<string[]> {
    const { items } = await this.#stage.client.list<Event>(resources.events, { namespace: this.namespace });
    return items.filter(({ involvedObject }) => involvedObject.kind === "Canary").map(({ message }) => message ?? "");
  }

  async waitForEvent(text: string): Promise<void> {
    await this.waitUntil(`an event "${text}"`, async () => (await this.events()).some((line) => line.includes(text)));
  }

  async waitForPhase(...wanted: readonly string[]): Promise<string> {
    let phase = "";
    await this.waitUntil(`the phase ${wanted.join(" or ")}`, async () => {
      const found = await this.#stage.client.get<Canary>(resources.canaries, this.key());
      phase = found?.status?.phase ?? "";
      return wanted.includes(phase);
    });
    return phase;
  }

  /** Looks again and again; what the Canary said last is in the error. */
  async waitUntil(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const endMs = Date.now() + DEADLINE_MS;
    while (!(await isSo())) {
      if (Date.now() > endMs) {
        const found = await this.#stage.client.get<Canary>(resources.canaries, this.key());
        const said = [JSON.stringify(found?.status), ...(await this.events())].join("\n");
        throw new Error(`${this.namespace}: no ${what} within ${DEADLINE_MS / 1000} s\n${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Starts a client at the gateway. */
  visitor(options: Partial<VisitorOptions> = {}): Visitor {
    const visitor = startVisitor({ ...this.atGateway(), ...options });
    this.#visitors.push(visitor);
    return visitor;
  }

  atGateway(): VisitorOptions {
    return { address: "127.0.0.1", port: this.#stage.cluster.gatewayPort, host: this.host };
  }

  /** Where clients reach a Service of the app without the gateway. */
  async atService(name: string = APP): Promise<VisitorOptions> {
    const service = await this.#stage.client.get<Service>(resources.services, this.key(name));
    const address = service?.spec.clusterIP ?? "";
    return { address, port: service?.spec.ports?.[0]?.port ?? 0, host: `${name}.${this.namespace}` };
  }

  /** Ends the clients and returns all that they saw, in no order between them. */
  async leave(): Promise<Visit[]> {
    return (await Promise.all(this.#visitors.map((visitor) => visitor.stop()))).flat();
  }

  /** The one alert that ends a run, when it has come. */
  async terminalAlert(): Promise<ReceivedAlert> {
    const ends = (): ReceivedAlert[] => this.#stage.inbox.of(this.namespace).filter(({ isTerminal }) => isTerminal);
    await this.waitUntil("terminal alert", () => Promise.resolve(ends().length > 0));
    const [end, ...more] = ends();
    if (end === undefined || more.length > 0) throw new Error(`${this.namespace}: ${JSON.stringify(ends())}`);
    return end;
  }
}

/** Whether the answer came from the primary's pods. */
export function isFromPrimary({ pod }: Visit): boolean {
  return pod.startsWith(`${APP}-primary-`);
}

/** The failures among answers with the times of the first and the last of each kind, for an assertion that shows them. */
export function failuresOf(visits: readonly Visit[]): string[] {
  const failed = visits.filter(({ failure }) => failure !== undefined);
  return [...new Set(failed.map(({ failure }) => failure))].map((kind) => {
    const all = failed.filter(({ failure }) => failure === kind);
    return `${all.length} × ${kind} (${all[0]?.at} to ${all.at(-1)?.at})`;
  });
}

/** Values without their immediate repetitions: `aabba` → `aba`. */
export function runsOf(values: readonly string[]): string[] {
  return values.filter((value, index) => value !== values[index - 1]);
}
