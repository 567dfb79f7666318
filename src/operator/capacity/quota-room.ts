import type { KubeObject, PodTemplateSpec } from "#api";
import { isObject, parseQuantity } from "#base";

/**
 * Pods of a template that the namespace's quotas still allow; undefined when none of them says anything about pods.
 *
 * Counts `pods`, `count/pods`, and requests and limits of cpu and memory, which are divided by those of the template. A
 * quota for other pods (terminating, of another class of service or priority) and one that nobody has counted yet say
 * nothing. Source: Kubernetes `core/v1` ResourceQuota.
 */
export function quotaRoom(quotas: readonly KubeObject[], template: PodTemplateSpec | undefined): number | undefined {
  const rooms = quotas
    .filter(({ spec }) => isObject(spec) && isOfAllPods(spec))
    .flatMap((quota) => roomsOf(quota, template));
  return rooms.length === 0 ? undefined : Math.max(0, Math.min(...rooms));
}

function isOfAllPods({ scopes, scopeSelector }: Readonly<Record<string, unknown>>): boolean {
  const others = (Array.isArray(scopes) ? scopes : []).filter((scope) => scope !== "NotTerminating");
  return others.length === 0 && scopeSelector === undefined;
}

function roomsOf({ status }: KubeObject, template: PodTemplateSpec | undefined): number[] {
  const { hard, used } = isObject(status) ? status : {};
  if (!isObject(hard) || !isObject(used)) return [];
  return Object.keys(hard).flatMap((name) => {
    const [allowed, taken] = [numberOf(hard[name]), numberOf(used[name])];
    const each = amountOfPod(name, template);
    if (allowed === undefined || taken === undefined || each === undefined || each <= 0) return [];
    // What is stored in bytes and nanocores comes out a hair beside the whole number.
    return [Math.floor((allowed - taken) / each + 1e-9)];
  });
}

/** What one pod takes of a quota's resource; undefined for a resource that is not about pods. */
function amountOfPod(name: string, template: PodTemplateSpec | undefined): number | undefined {
  if (name === "pods" || name === "count/pods") return 1;
  const match = /^(?:(requests|limits)\.)?(cpu|memory)$/.exec(name);
  if (match === null || template === undefined) return undefined;
  const [, kind = "requests", resource = ""] = match;
  const amounts = containersOf(template).map((container) => amountOf(container, kind, resource));
  return amounts.some((amount) => amount === undefined)
    ? undefined
    : amounts.reduce<number>((sum, amount) => sum + (amount ?? 0), 0);
}

/** Containers that run all the time: init containers that are restarted are sidecars. */
function containersOf({ spec }: PodTemplateSpec): readonly Readonly<Record<string, unknown>>[] {
  const { containers, initContainers = [] } = spec as { containers: unknown[]; initContainers?: unknown[] };
  const sidecars = initContainers.filter((one) => isObject(one) && one.restartPolicy === "Always");
  return [...containers, ...sidecars].filter(isObject);
}

/** A request that is absent is the limit. */
function amountOf(container: Readonly<Record<string, unknown>>, kind: string, resource: string): number | undefined {
  const { requests, limits } = isObject(container.resources) ? container.resources : {};
  const limit = isObject(limits) ? numberOf(limits[resource]) : undefined;
  return kind === "limits" ? limit : isObject(requests) ? (numberOf(requests[resource]) ?? limit) : limit;
}

function numberOf(value: unknown): number | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  const parsed = parseQuantity(value);
  return parsed.ok ? parsed.value : undefined;
}
