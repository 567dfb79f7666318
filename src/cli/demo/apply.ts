import { type KubeObject, type Resource, resources } from "#api";
import { Failure } from "#base";
import { ApiFailure, type KubeClient } from "#kube";

const FIELD_MANAGER = "serin-demo";

/**
 * Applies objects in order, server side. A kind that this program has no name for is refused before anything is sent.
 *
 * @throws Failure `UnknownKind`, or the API server's answer with the object's name in front.
 */
export async function applyObjects(client: KubeClient, objects: readonly KubeObject[]): Promise<void> {
  const pairs = objects.map((object) => ({ object, resource: resourceOf(object) }));
  for (const { object, resource } of pairs) {
    try {
      await client.apply(resource, object, { fieldManager: FIELD_MANAGER, force: true, fieldValidation: "Strict" });
    } catch (cause) {
      const code = cause instanceof ApiFailure ? cause.code : "ApplyFailed";
      throw new Failure(`Cannot apply ${object.kind} "${object.metadata.name ?? ""}"`, { code, cause });
    }
  }
}

function resourceOf(object: KubeObject): Resource {
  const found = Object.values(resources).find((resource) => {
    const version = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
    return resource.kind === object.kind && version === object.apiVersion;
  });
  if (found !== undefined) return found;
  throw new Failure(
    `Cannot apply ${object.kind} "${object.metadata.name ?? ""}": ${object.apiVersion} ${object.kind} is no kind that Serin applies`,
    {
      code: "UnknownKind",
    },
  );
}
