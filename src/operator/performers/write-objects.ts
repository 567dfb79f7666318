import type { ConfigMap, KubeObject, Resource, Secret } from "#api";
import { Failure } from "#base";
import type { OperatorContext } from "../operator-context.ts";
import { isUnanalysed, type Snapshot } from "../reconcilers/index.ts";
import { newService, repairedService } from "../routers/index.ts";
import type { View } from "../views/index.ts";
import { newServiceCopy, planConfigCopy, primaryConfigName, syncedServiceCopy } from "../workloads/index.ts";

/** What commands about Services, workloads and autoscalers write. Each compares with what is there first. */

type Role = "apex" | "primary" | "canary";

export async function ensureService(role: Role, snapshot: Snapshot, context: OperatorContext): Promise<void> {
  const { canary, names, workload, owner } = snapshot;
  if (workload?.kind === "Service") return ensureServiceCopy(role, snapshot, context);
  // Without a target nothing says which ports and pods the Services lead to; what is there stays.
  if (workload?.template === undefined || workload.selector === undefined) return;
  const { selector, template } = workload;
  const name = { apex: names.apexService, primary: names.primaryService, canary: names.canaryService }[role];
  const podLabel = role === "canary" ? selector.value : selector.primaryValue;
  const plan = { canary, target: { spec: { template } }, name, role, labelKey: selector.key, podLabel, owner };
  await write(context.views.services, snapshot.services[role], {
    fresh: () => newService(plan),
    next: (live) => repairedService(live, plan),
  });
}

/** A target that is a Service leads to its own pods: its copy for the canary follows it, and clients go on using it. */
async function ensureServiceCopy(role: Role, snapshot: Snapshot, { views, settings }: OperatorContext): Promise<void> {
  const { names, owner, services } = snapshot;
  const target = views.services.get({ namespace: names.namespace, name: names.target });
  if (role !== "canary" || target === undefined) return;
  const options = { owner, labelPrefixes: settings.labelPrefixes };
  await write(views.services, services.canary, {
    fresh: () => newServiceCopy(target, names.canaryService, options),
    next: (live) => syncedServiceCopy(live, target, options),
  });
}

export async function ensurePrimary(
  mode: "create" | "sync",
  snapshot: Snapshot,
  context: OperatorContext,
): Promise<void> {
  const { workload } = snapshot;
  if (workload === undefined || (mode === "create" && (workload.primary !== undefined || isUnanalysed(snapshot))))
    return;
  const fresh = workload.primary === undefined ? workload.newPrimary() : undefined;
  const promoted = workload.promotedPrimary();
  // The configs first: pods that start without them would crash.
  await copyConfigs(snapshot, context);
  const view = viewOf(workload.resource, context);
  if (fresh !== undefined) await view.create(fresh);
  if (promoted !== undefined) await view.update(promoted);
}

async function copyConfigs(snapshot: Snapshot, { views, settings }: OperatorContext): Promise<void> {
  const { workload, names, owner } = snapshot;
  const options = { owner, labelPrefixes: settings.labelPrefixes };
  const copy = async <T extends ConfigMap | Secret>(view: View<T>, original: T): Promise<void> => {
    const live = view.get({ namespace: names.namespace, name: primaryConfigName(original.metadata.name ?? "") });
    const wanted = planConfigCopy(original, live, options);
    if (wanted !== undefined) await (live === undefined ? view.create(wanted) : view.update(wanted));
  };
  for (const original of workload?.configs?.configMaps ?? []) await copy(views.configMaps, original);
  for (const original of workload?.configs?.secrets ?? []) await copy(views.secrets, original);
}

/** Creates what is missing, else writes what differs. */
async function write<T extends KubeObject>(
  view: View<T>,
  live: T | undefined,
  plan: { readonly fresh: () => T | undefined; readonly next: (live: T) => T | undefined },
): Promise<void> {
  const wanted = live === undefined ? plan.fresh() : plan.next(live);
  if (wanted !== undefined) await (live === undefined ? view.create(wanted) : view.update(wanted));
}

/** The view of a kind that is open by now. @throws Failure `ServerUnreachable`, to be tried again, when it is not. */
export function viewOf(resource: Resource, { views }: Pick<OperatorContext, "views">): View<KubeObject> {
  const view = views.of(resource);
  if (view !== undefined) return view;
  throw new Failure(`Cannot write a ${resource.kind}: its kind is not open yet`, {
    code: "ServerUnreachable",
    retryable: true,
  });
}
