import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Pod } from "#api";
import { Failure, isObject } from "#base";
import type { KubeClient } from "#kube";

/** A year: tokens of an embedded cluster are bound to its own signing key and machine, so none is renewed. */
const EXPIRATION_SECONDS = 31_536_000;
const ANSWER_BYTES_MAX = 256 * 1024;

/**
 * Writes `token`, `ca.crt` and `namespace` into a directory, as a pod finds them on a cluster.
 *
 * @throws Failure `TokenRefused` with the server's reason; the pod cannot start without a token.
 */
export async function writeServiceAccount(options: {
  readonly client: KubeClient;
  readonly pod: Pod;
  readonly directory: string;
  readonly caPem: string;
}): Promise<void> {
  const { client, pod, directory, caPem } = options;
  const namespace = pod.metadata.namespace ?? "default";
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (pod.spec.automountServiceAccountToken !== false) {
    const token = await requestToken(client, {
      namespace,
      name: pod.spec.serviceAccountName ?? "default",
      expirationSeconds: EXPIRATION_SECONDS,
      pod,
    });
    writeFileSync(join(directory, "token"), token, { mode: 0o600 });
  }
  writeFileSync(join(directory, "ca.crt"), caPem, { mode: 0o600 });
  writeFileSync(join(directory, "namespace"), namespace, { mode: 0o600 });
}

/**
 * Gets a token for a service account; one that is bound to a pod ends with it.
 *
 * Source: authentication.k8s.io/v1 TokenRequest.
 *
 * @throws Failure `TokenRefused` with the server's reason.
 */
export async function requestToken(
  client: Pick<KubeClient, "raw">,
  account: {
    readonly namespace: string;
    readonly name: string;
    readonly expirationSeconds: number;
    readonly pod?: Pod;
    readonly signal?: AbortSignal;
  },
): Promise<string> {
  const { namespace, name, expirationSeconds, pod, signal } = account;
  const bound =
    pod === undefined
      ? {}
      : { boundObjectRef: { apiVersion: "v1", kind: "Pod", name: pod.metadata.name, uid: pod.metadata.uid } };
  const body = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { expirationSeconds, ...bound },
  };
  const response = await client.raw({
    method: "POST",
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`,
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  const answer = await readAnswer(response.body);
  const status = isObject(answer) && isObject(answer.status) ? answer.status : undefined;
  if (response.status < 300 && typeof status?.token === "string") return status.token;
  const reason = isObject(answer) && typeof answer.message === "string" ? answer.message : `HTTP ${response.status}`;
  throw new Failure(`Cannot get a token for service account "${namespace}/${name}": ${reason}`, {
    code: "TokenRefused",
    retryable: true,
  });
}

async function readAnswer(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of body) {
    byteCount += chunk.byteLength;
    if (byteCount > ANSWER_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    // A page of a proxy, say; the caller reports the status.
    return undefined;
  }
}
