import type { Resource } from "#api";
import { assert, Failure } from "#base";
import type { KubeClient } from "#kube";

/** One rule of a Role or ClusterRole. Source: Kubernetes `rbac/v1` PolicyRule. */
export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** What is asked of the API server, as its authorizer sees it. Source: Kubernetes, "Request attributes". */
interface Attributes {
  readonly verb: string;
  readonly group: string;
  /** `plural`, or `plural/subresource`. */
  readonly resource: string;
  readonly name: string;
}

/** A client that does nothing but what rules allow, as if the API server ran with them. For tests. */
export interface RoleGuard {
  readonly client: KubeClient;
  /** Requests that the rules do not allow, as `verb group/resource`; each was refused. */
  readonly refused: readonly string[];
  /** Pairs of verb and resource that the rules grant and nobody has needed, as `verb group/resource`. */
  unused(): string[];
}

/** Guards a client. Server-side apply is held to `create` as well, which the server asks for when the object is new. */
export function createRoleGuard(inner: KubeClient, rules: readonly RoleRule[]): RoleGuard {
  const refused: string[] = [];
  const needed = new Set<string>();

  function check(
    verbs: readonly string[],
    resource: Resource,
    parts: { readonly name?: string; readonly subresource?: string } = {},
  ): void {
    const plural = parts.subresource === undefined ? resource.plural : `${resource.plural}/${parts.subresource}`;
    for (const verb of verbs) {
      const asked: Attributes = { verb, group: resource.group, resource: plural, name: parts.name ?? "" };
      const text = describe(asked);
      needed.add(text);
      if (rules.some((rule) => allows(rule, asked))) continue;
      refused.push(text);
      throw new Failure(`The role does not allow ${text}`, { code: "Forbidden" });
    }
  }

  return {
    refused,
    unused: () => granted(rules).filter((text) => !needed.has(text)),
    client: {
      ...inner,
      async get(resource, key, options) {
        check(["get"], resource, { ...key, ...options });
        return inner.get(resource, key, options);
      },
      async list(resource, options) {
        check(["list"], resource);
        return inner.list(resource, options);
      },
      async create(resource, object, options) {
        check(["create"], resource);
        return inner.create(resource, object, options);
      },
      async update(resource, object, options) {
        check(["update"], resource, { name: object.metadata.name ?? "", ...options });
        return inner.update(resource, object, options);
      },
      async patch(resource, key, patch) {
        check(["patch"], resource, { ...key, ...patch.options });
        return inner.patch(resource, key, patch);
      },
      async apply(resource, object, options) {
        check(["patch", "create"], resource, { name: object.metadata.name ?? "", ...options });
        return inner.apply(resource, object, options);
      },
      async delete(resource, key, options) {
        check(["delete"], resource, key);
        return inner.delete(resource, key, options);
      },
      async raw(request) {
        // Discovery is open to everybody who is authenticated. Source: ClusterRole system:discovery.
        if (!DISCOVERY.test(request.path)) check(["watch"], watchedResource(request.path));
        return inner.raw(request);
      },
    },
  };
}

function allows(rule: RoleRule, asked: Attributes): boolean {
  const has = (list: readonly string[], value: string): boolean => list.includes(value) || list.includes("*");
  const isNamed = rule.resourceNames === undefined || rule.resourceNames.includes(asked.name);
  return (
    has(rule.verbs, asked.verb) && has(rule.apiGroups, asked.group) && has(rule.resources, asked.resource) && isNamed
  );
}

function granted(rules: readonly RoleRule[]): string[] {
  return rules.flatMap(({ verbs, apiGroups, resources }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => describe({ verb, group, resource, name: "" }))),
    ),
  );
}

function describe({ verb, group, resource }: Attributes): string {
  return `${verb} ${group === "" ? "core" : group}/${resource}`;
}

const DISCOVERY = /^\/(?:api(?:\/v1)?|apis(?:\/[^/?]+){0,2})$/;

/** The operator's only other raw requests are watches of collections; anything else must be added here with its verb. */
function watchedResource(path: string): Resource {
  const url = new URL(path, "http://localhost");
  assert(url.searchParams.get("watch") !== null, `a raw request is a watch, received ${path}`);
  const segments = url.pathname.split("/").filter((segment) => segment !== "");
  const [root = "", first = "", second = ""] = segments;
  const plural = segments.at(-1) ?? "";
  const [group, version] = root === "api" ? ["", first] : [first, second];
  return { group, version, kind: plural, plural, namespaced: segments.includes("namespaces") };
}
