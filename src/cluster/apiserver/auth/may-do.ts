import { isObject } from "#base";
import type { Store, StoredObject } from "../../store/index.ts";
import type { User } from "./tokens.ts";
import { textAt } from "../read-field.ts";

/** What someone wants to do. */
export interface Attempt {
  readonly verb: string;
  readonly group: string;
  /** `pods`, or `pods/log` for a subresource. */
  readonly resource: string;
  /** Empty for cluster-scoped resources and for all namespaces. */
  readonly namespace: string;
  readonly name: string;
  /** Set when a path of the server is meant rather than a resource. */
  readonly path?: string;
}

type Fields = Readonly<Record<string, unknown>>;

const RBAC = "rbac.authorization.k8s.io";

/**
 * Tells whether a user may do something. Holders of a token of this cluster may do everything; users who are only
 * spoken for (by impersonation or in a review) may do what roles grant them.
 *
 * Source: Kubernetes RBAC, `rbac.RBACAuthorizer.VisitRulesFor`.
 */
export function mayDo(store: Store, user: User, attempt: Attempt): boolean {
  if (user.groups.includes("system:masters")) return true;
  if (user.isReviewed !== true) return user.groups.includes("system:authenticated");
  return rulesFor(store, user, attempt.namespace).some((rule) => grants(rule, attempt));
}

function rulesFor(store: Store, user: User, namespace: string): readonly Fields[] {
  const clusterWide = store.list(`${RBAC}/clusterrolebindings`);
  const local = namespace === "" ? [] : store.list(`${RBAC}/rolebindings`, namespace);
  return [...clusterWide, ...local]
    .filter((binding) => concerns(binding, user))
    .flatMap((binding) => rulesOf(store, binding));
}

function concerns({ object, namespace }: StoredObject, user: User): boolean {
  return listOf(object["subjects"]).some((subject) => {
    if (subject["kind"] === "User") return subject["name"] === user.name;
    if (subject["kind"] === "Group") return user.groups.includes(textAt(subject, "name"));
    const account = `system:serviceaccount:${textAt(subject, "namespace") || namespace}:${textAt(subject, "name")}`;
    return subject["kind"] === "ServiceAccount" && account === user.name;
  });
}

function rulesOf(store: Store, { object, namespace }: StoredObject): readonly Fields[] {
  const role = isObject(object["roleRef"]) ? object["roleRef"] : {};
  const isClusterRole = role["kind"] === "ClusterRole";
  const collection = isClusterRole ? `${RBAC}/clusterroles` : `${RBAC}/roles`;
  const found = store.get({ collection, namespace: isClusterRole ? "" : namespace, name: textAt(role, "name") });
  return listOf(found?.object["rules"]);
}

function grants(rule: Fields, attempt: Attempt): boolean {
  if (!has(rule["verbs"], attempt.verb)) return false;
  if (attempt.path !== undefined)
    return texts(rule["nonResourceURLs"]).some((pattern) => matchesPath(pattern, attempt.path ?? ""));
  const [, subresource] = attempt.resource.split("/");
  const isResource =
    has(rule["resources"], attempt.resource) ||
    (subresource !== undefined && texts(rule["resources"]).includes(`*/${subresource}`));
  const names = texts(rule["resourceNames"]);
  return has(rule["apiGroups"], attempt.group) && isResource && (names.length === 0 || names.includes(attempt.name));
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}

function has(list: unknown, value: string): boolean {
  const values = texts(list);
  return values.includes("*") || values.includes(value);
}

function texts(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.map(String) : [];
}

function listOf(list: unknown): readonly Fields[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}
