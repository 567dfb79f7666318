import type { Store } from "../../store/index.ts";
import type { Target } from "../request/parse-target.ts";
import { StatusError } from "../status/status-error.ts";
import { mayDo } from "./may-do.ts";
import type { User } from "./tokens.ts";

/** What may be asked for without a token: that the server is alive, and which version it is. */
const OPEN_PATHS = new Set(["healthz", "livez", "readyz", "version"]);
/** What every known user may read: clients look here before they ask for anything. Source: role `system:discovery`. */
const DISCOVERY_PATHS = new Set(["api", "apis", "openapi", ...OPEN_PATHS]);
/** Everyone may ask about himself. Source: role `system:basic-user`. */
const SELF_REVIEWS = new Set(["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"]);

/**
 * Decides whether the user may do what is asked; `verb` is Kubernetes' word for it (`list`, `watch`, …).
 *
 * It comes right after the user is known, so that no later stage has to ask again.
 *
 * @throws StatusError 403 with the real server's words.
 */
export function authorize(store: Store, user: User, request: { readonly verb: string; readonly target: Target }): void {
  if (isAllowed(store, user, request)) return;
  const { verb, target } = request;
  const message = `${subjectOf(target)}: User ${JSON.stringify(user.name)} cannot ${verb} ${describe(target)}`;
  const details =
    target.type === "path"
      ? {}
      : { ...(target.name === undefined ? {} : { name: target.name }), group: target.group, kind: target.plural };
  throw new StatusError({ code: 403, reason: "Forbidden", message, details });
}

function isAllowed(
  store: Store,
  user: User,
  { verb, target }: { readonly verb: string; readonly target: Target },
): boolean {
  const isKnown = user.groups.includes("system:authenticated");
  if (target.type === "path") {
    const [first = ""] = target.path.split("/").filter((part) => part !== "");
    if (OPEN_PATHS.has(first) || (isKnown && DISCOVERY_PATHS.has(first))) return true;
    return mayDo(store, user, { verb, group: "", resource: "", namespace: "", name: "", path: target.path });
  }
  if (isKnown && SELF_REVIEWS.has(target.plural)) return true;
  const { group, plural, namespace = "", name = "" } = target;
  return mayDo(store, user, {
    verb,
    group,
    resource: resourceOf(target),
    namespace: plural === "namespaces" ? name : namespace,
    name,
  });
}

function resourceOf(target: Extract<Target, { type: "resource" }>): string {
  return target.subresource === undefined ? target.plural : `${target.plural}/${target.subresource}`;
}

function subjectOf(target: Target): string {
  if (target.type === "path") return "forbidden";
  const resource = target.group === "" ? target.plural : `${target.plural}.${target.group}`;
  return target.name === undefined
    ? `${resource} is forbidden`
    : `${resource} ${JSON.stringify(target.name)} is forbidden`;
}

function describe(target: Target): string {
  if (target.type === "path") return `path ${JSON.stringify(target.path)}`;
  const where =
    target.namespace === undefined ? "at the cluster scope" : `in the namespace ${JSON.stringify(target.namespace)}`;
  return `resource ${JSON.stringify(resourceOf(target))} in API group ${JSON.stringify(target.group)} ${where}`;
}
