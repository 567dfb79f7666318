import type { AlertProvider, Canary, CanaryAlert, Secret } from "#api";
import { err, ok, type Problem, type Result } from "#base";
import type { ObjectKey } from "#kube";
import { namesOf } from "#rollout";
import type { GlobalAlertSettings } from "./global-settings.ts";

/** Types of AlertProvider, as its CustomResourceDefinition lists them; the last three are Serin's own. */
const RECEIVER_TYPES = ["slack", "msteams", "discord", "rocket", "gchat", "pagerduty", "webhook", "github"] as const;
export type ReceiverType = (typeof RECEIVER_TYPES)[number];

/** Where alerts go: an AlertProvider with its Secret, or the global notifier. Address, token and proxy are secrets. */
export interface Receiver {
  /** `namespace/name` of the AlertProvider, or `global`. */
  readonly key: string;
  readonly type: ReceiverType;
  readonly address: string;
  /** Empty for none. */
  readonly token: string;
  /** A channel; for `github` the repository as `owner/name`. */
  readonly channel: string;
  readonly username: string;
  /** Empty for none. */
  readonly proxy: string;
}

/** Where objects that alerts name are found. */
export interface AlertLookups {
  provider(key: ObjectKey): AlertProvider | undefined;
  secret(key: ObjectKey): Secret | undefined;
  /** False with `-no-cross-namespace-refs`. */
  readonly allowsCrossNamespace: boolean;
}

/** Addresses of services that have one for everybody. */
const DEFAULT_ADDRESSES: Partial<Record<ReceiverType, string>> = {
  pagerduty: "https://events.pagerduty.com/v2/enqueue",
  github: "https://api.github.com",
};
const NEEDS_TOKEN: ReadonlySet<ReceiverType> = new Set<ReceiverType>(["pagerduty", "github"]);

/** Finds the receiver that an entry of `spec.analysis.alerts` names; `path` is that entry's, for problems. */
export function findReceiver(
  { canary, alert, path }: { readonly canary: Canary; readonly alert: CanaryAlert; readonly path: string },
  lookups: AlertLookups,
): Result<Receiver, Problem> {
  const own = namesOf(canary).namespace;
  const namespace = alert.providerRef.namespace || own;
  const name = alert.providerRef.name;
  if (namespace !== own && !lookups.allowsCrossNamespace) {
    return err({
      path: `${path}.providerRef.namespace`,
      code: "invalid-value",
      message: `"${namespace}" is another namespace, which -no-cross-namespace-refs forbids`,
      fix: `name an AlertProvider of namespace "${own}"`,
    });
  }
  const provider = lookups.provider({ namespace, name });
  if (provider === undefined) {
    return err({
      path: `${path}.providerRef.name`,
      code: "not-found",
      message: `AlertProvider "${namespace}/${name}" does not exist`,
      fix: "create it, or correct name and namespace",
    });
  }
  const receiver = readProvider(provider, { namespace, name }, lookups);
  return receiver.ok ? receiver : err({ ...receiver.error, path: `${path}.providerRef` });
}

function readProvider(
  provider: AlertProvider,
  at: { readonly namespace: string; readonly name: string },
  lookups: AlertLookups,
): Result<Receiver, Omit<Problem, "path">> {
  const spec: Partial<AlertProvider["spec"]> = provider.spec;
  const what = `AlertProvider "${at.namespace}/${at.name}"`;
  const type = RECEIVER_TYPES.find((known) => known === spec.type);
  if (type === undefined) {
    const message = `${what} has the type "${spec.type ?? ""}", which is unknown`;
    return err({ code: "invalid-value", message, fix: `write one of ${RECEIVER_TYPES.join(", ")} in its spec.type` });
  }
  const secretName = spec.secretRef?.name;
  const secret = secretName === undefined ? undefined : lookups.secret({ namespace: at.namespace, name: secretName });
  if (secretName !== undefined && secret === undefined) {
    const message = `Secret "${at.namespace}/${secretName}" of ${what} does not exist`;
    return err({ code: "not-found", message, fix: "create it, or correct spec.secretRef.name of the AlertProvider" });
  }
  const receiver: Receiver = {
    key: `${at.namespace}/${at.name}`,
    type,
    // The Secret goes first, as in Flagger; unlike there it may hold the token alone.
    address: valueIn(secret, "address") || spec.address || DEFAULT_ADDRESSES[type] || "",
    token: valueIn(secret, "token"),
    channel: spec.channel || (type === "github" ? valueIn(secret, "repository") : "general"),
    username: spec.username || "flagger",
    proxy: spec.proxy ?? "",
  };
  const fault = faultOf(receiver, { what, secretName });
  return fault === undefined ? ok(receiver) : err(fault);
}

/** What is wrong with a receiver's values; quotes none of them, since each may be or hold a secret. */
function faultOf(
  receiver: Receiver,
  { what, secretName }: { readonly what: string; readonly secretName: string | undefined },
): Omit<Problem, "path"> | undefined {
  const { type, address, token, channel, proxy } = receiver;
  const secret = secretName === undefined ? "a Secret that spec.secretRef names" : `Secret "${secretName}"`;
  const required = (message: string, fix: string) => ({ code: "required", message: `${what} ${message}`, fix });
  if (address === "") return required("has no address", `set spec.address, or the key "address" of ${secret}`);
  if (NEEDS_TOKEN.has(type) && token === "") return required("has no token", `set the key "token" of ${secret}`);
  if (type === "github" && !/^[\w.-]+\/[\w.-]+$/.test(channel))
    return required("names no repository", `write owner/name in spec.channel, or in the key "repository" of ${secret}`);
  const invalid = (message: string, fix: string) => ({ code: "invalid-value", message: `${what} ${message}`, fix });
  if (!isHttpUrl(address)) return invalid("has an address that is no URL", "write https://HOST/PATH");
  if (proxy !== "" && !isHttpUrl(proxy)) return invalid("has a proxy that is no URL", "write http://HOST:PORT");
  if (/[^\x21-\x7e]/.test(token))
    return invalid("has a token with white space or other characters that no token has", `correct it in ${secret}`);
  return undefined;
}

/** The global notifier; undefined when none is set, a problem when what is set is not enough. Source: flagger-spec 7. */
export function globalReceiver({ slack, msteams }: GlobalAlertSettings): Result<Receiver | undefined, Problem> {
  const common = { key: "global", token: "", channel: "", username: "" };
  const isTeams = msteams.url !== "";
  if (!isTeams && slack.url === "") return ok(undefined);
  const receiver: Receiver = isTeams
    ? { ...common, type: "msteams", address: msteams.url, proxy: msteams.proxy }
    : { ...slack, key: "global", type: "slack", address: slack.url, username: slack.user };
  if (!isTeams && slack.channel === "") {
    return err({ path: "-slack-channel", code: "required", message: "must be set for alerts to Slack" });
  }
  const fault = faultOf(receiver, { what: "the global notifier", secretName: undefined });
  return fault === undefined ? ok(receiver) : err({ ...fault, path: isTeams ? "-msteams-url" : "-slack-url" });
}

/** A value of a Secret without the line end that `echo` and editors add; empty when it is not there. */
function valueIn(secret: Secret | undefined, key: string): string {
  return Buffer.from(secret?.data?.[key] ?? "", "base64")
    .toString("utf8")
    .trim();
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
