import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type ConfigMap, type Container, type Pod, resources, type Secret } from "#api";
import { err, ok, type Result } from "#base";
import { containerEnvironment } from "./container-environment.ts";
import type { ProcessSpec } from "./container-process.ts";
import { expandVariables } from "./expand-variables.ts";
import { commandWords, type ResolvedImage } from "./image-store.ts";
import type { PodContext } from "./pod-context.ts";
import { containerMark, MARK_VARIABLE } from "./process-record.ts";

/** The port on a pod's address where the node proxy takes the pod's outgoing requests. */
const OUTBOUND_PORT = 15_001;

export interface Preparation {
  readonly spec: ProcessSpec;
  readonly hasLifeline: boolean;
}

/** Why a container cannot be made, as the waiting state's reason and message. */
export interface Refusal {
  readonly reason: "ErrImagePull" | "CreateContainerConfigError";
  readonly message: string;
}

/** A container of a pod that has its address. */
export interface ContainerSubject {
  readonly pod: Pod;
  readonly container: Container;
  readonly podIp: string;
  readonly podDirectory: string;
}

/** Works out what a container runs: image, variables, words, place. */
export async function prepareContainer(
  context: PodContext,
  subject: ContainerSubject,
): Promise<Result<Preparation, Refusal>> {
  const { pod, container } = subject;
  const image = context.images.resolve(container, pod);
  if (!image.ok) return err({ reason: "ErrImagePull", message: image.error });
  const namespace = pod.metadata.namespace ?? "default";
  const variables = await containerEnvironment({
    pod,
    container,
    podIp: subject.podIp,
    hostIp: context.nodeAddress,
    base: baseVariables(context, subject, image.value),
    nodeCapacity: context.capacity,
    configMap: (name) => context.client.get<ConfigMap>(resources.configMaps, { namespace, name }),
    secret: (name) => context.client.get<Secret>(resources.secrets, { namespace, name }),
  });
  if (!variables.ok) return err({ reason: "CreateContainerConfigError", message: variables.error });
  const words = commandWords(container, image.value).map((word) => expandVariables(word, variables.value));
  const { workingDir } = container;
  const hasOwnPlace = !image.value.isBuiltIn && workingDir !== undefined && existsSync(workingDir);
  return ok({
    spec: {
      words,
      env: Object.fromEntries(variables.value),
      workingDirectory: hasOwnPlace ? workingDir : image.value.workingDirectory,
    },
    hasLifeline: image.value.isBuiltIn,
  });
}

function baseVariables(
  { apiServer }: PodContext,
  subject: ContainerSubject,
  image: ResolvedImage,
): Record<string, string> {
  const { pod, container, podIp, podDirectory } = subject;
  return {
    PATH: `${image.folder}${delimiter}${process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin"}`,
    HOME: process.env.HOME ?? "/",
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name ?? "",
    SERIN_POD_IP: podIp,
    SERIN_IMAGE_TAG: image.tag,
    SERIN_SERVICE_ACCOUNT_DIR: join(podDirectory, "serviceaccount"),
    [MARK_VARIABLE]: containerMark(podDirectory, container.name),
    KUBERNETES_SERVICE_HOST: apiServer.host,
    KUBERNETES_SERVICE_PORT: String(apiServer.port),
    http_proxy: `http://${podIp}:${OUTBOUND_PORT}`,
    no_proxy: "127.0.0.1,localhost",
  };
}
