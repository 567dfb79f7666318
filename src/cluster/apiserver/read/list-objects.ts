import { Failure, isObject } from "#base";
import type { Store, StoredObject } from "../../store/index.ts";
import { type Endpoint, type Served, serve } from "../registry/endpoint.ts";
import type { ListOptions } from "../request/list-options.ts";
import type { Answer } from "../respond/answer.ts";
import { badRequest, expired, StatusError } from "../status/status-error.ts";

export interface ListInput {
  readonly endpoint: Endpoint;
  /** All namespaces when absent. */
  readonly namespace: string | undefined;
  readonly options: ListOptions;
}

/** Where the next page starts. Pages of one list all show the state of the first. */
interface ContinueToken {
  readonly revision: number;
  /** Namespace and name of the last object of the page before. */
  readonly after: string;
}

/**
 * Lists objects: the newest state, or the exact one that a page or `resourceVersionMatch=Exact` asks for.
 *
 * @throws StatusError 410 when that state is no longer known, 504 for a version that does not exist yet.
 */
export function listObjects(store: Store, input: ListInput): Answer {
  const { endpoint, options } = input;
  const token = options.continueToken === undefined ? undefined : decodeToken(options.continueToken);
  const revision = revisionToShow(store, options, token);
  const page = selectPage(storedAt(store, input, revision), { endpoint, options, token });
  return {
    type: "list",
    endpoint,
    objects: page.objects,
    metadata: {
      resourceVersion: String(revision),
      ...(page.last === undefined ? {} : { continue: encodeToken({ revision, after: page.last }) }),
      // The count of the rest is unknown when objects are selected, as on a real server.
      ...(page.last === undefined || options.isSelective ? {} : { remainingItemCount: page.remainingCount }),
    },
  };
}

function revisionToShow(store: Store, options: ListOptions, token: ContinueToken | undefined): number {
  if (token !== undefined) return token.revision;
  const asked = options.resourceVersion ?? 0;
  if (asked > store.revision) throw tooLarge(asked, store.revision);
  // "Exact" is meant, too, by a limit with a version and no match. Source: the table of the API concepts page.
  const isExact =
    options.versionMatch === "Exact" ||
    (options.versionMatch === undefined && asked > 0 && options.limit !== undefined);
  return isExact ? asked : store.revision;
}

export function tooLarge(asked: number, current: number): StatusError {
  return new StatusError({
    code: 504,
    reason: "Timeout",
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  });
}

function storedAt(store: Store, { endpoint, namespace }: ListInput, revision: number): readonly StoredObject[] {
  if (revision === store.revision) return store.list(endpoint.collection, namespace);
  try {
    return store.listAt(revision, endpoint.collection, namespace);
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === "Expired") {
      throw expired(
        "The provided continue parameter is too old to display a consistent list result. Start a new list without the continue parameter.",
      );
    }
    throw thrown;
  }
}

interface Page {
  readonly objects: readonly Served[];
  /** Key of the last object, when more follow. */
  readonly last: string | undefined;
  readonly remainingCount: number;
}

function selectPage(
  stored: readonly StoredObject[],
  parts: { endpoint: Endpoint; options: ListOptions; token: ContinueToken | undefined },
): Page {
  const { endpoint, options, token } = parts;
  const objects: Served[] = [];
  let last = "";
  for (let index = 0; index < stored.length; index++) {
    const candidate = stored[index];
    if (candidate === undefined) continue;
    const key = `${candidate.namespace}/${candidate.name}`;
    if (token !== undefined && key <= token.after) continue;
    const shown = serve(endpoint, candidate);
    if (!options.matches(shown.object)) continue;
    if (objects.length === options.limit) return { objects, last, remainingCount: stored.length - index };
    objects.push(shown);
    last = key;
  }
  return { objects, last: undefined, remainingCount: 0 };
}

function encodeToken(token: ContinueToken): string {
  // The first letters are those of a real server's token, by which tools recognise one.
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: token.revision, start: token.after })).toString(
    "base64url",
  );
}

function decodeToken(text: string): ContinueToken {
  const decoded = Buffer.from(text, "base64url").toString("latin1");
  let token: unknown;
  try {
    token = JSON.parse(decoded);
  } catch {
    const [first = ""] = decoded;
    throw badRequest(
      `invalid continue token: continue key is not valid: invalid character '${first}' looking for beginning of value`,
    );
  }
  if (!isObject(token) || typeof token["rv"] !== "number" || typeof token["start"] !== "string") {
    throw badRequest("invalid continue token: continue key is not valid: unrecognized token");
  }
  return { revision: token["rv"], after: token["start"] };
}
