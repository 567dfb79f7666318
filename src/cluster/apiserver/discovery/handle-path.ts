import { handleOpenApi } from "../openapi/handle-openapi.ts";
import { parseAccept } from "../request/negotiate.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { methodNotAllowed, unknownResource } from "../status/status-error.ts";
import { apiGroup, apiGroupList, apiResourceList, apiVersions, groupDiscoveryList } from "./discovery-documents.ts";
import { serverVersion } from "./server-version.ts";

export interface PathRequest {
  readonly method: string;
  readonly path: string;
  readonly accept: string | undefined;
  /** `host:port` as the client wrote it. */
  readonly host: string;
}

/** Answers every path that is not a resource: health, version, discovery. */
export function handlePath(context: ServerContext, request: PathRequest): Answer {
  if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed();
  const openApi = handleOpenApi(context.openApi, request.path, request.accept);
  if (openApi !== undefined) return openApi;
  const [first = "", second, third, ...rest] = request.path.split("/").filter((part) => part !== "");
  if (rest.length > 0) return notAPath();
  if (first === "healthz" || first === "livez" || first === "readyz") return plain("ok");
  if (first === "version" && second === undefined) return document(serverVersion);
  if (first === "api") return core(context, request, second);
  if (first !== "apis") return notAPath();
  if (second === undefined) return aggregated(context, request) ?? document(apiGroupList(context.registry));
  const found =
    third === undefined ? apiGroup(context.registry, second) : apiResourceList(context.registry, second, third);
  if (found !== undefined) return document(found);
  if (context.registry.hasGroup(second)) throw unknownResource();
  return notAPath();
}

function core(context: ServerContext, request: PathRequest, version: string | undefined): Answer {
  if (version === undefined) return aggregated(context, request) ?? document(apiVersions(request.host));
  const list = apiResourceList(context.registry, "", version);
  if (list === undefined) throw unknownResource();
  return document(list);
}

const DISCOVERY_VERSIONS: readonly string[] = ["v2", "v2beta1"];

/** The aggregated form, when the client asks for it before the plain one. */
function aggregated(context: ServerContext, { path, accept }: PathRequest): Answer | undefined {
  for (const { type, parameters } of parseAccept(accept ?? "")) {
    if (type !== "application/json" && type !== "*/*") continue;
    if (!parameters.has("as")) return undefined;
    const version = parameters.get("v") ?? "";
    if (parameters.get("g") !== "apidiscovery.k8s.io" || !DISCOVERY_VERSIONS.includes(version)) continue;
    const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    return {
      type: "document",
      code: 200,
      contentType,
      document: groupDiscoveryList(context.registry, path.startsWith("/api/") || path === "/api", version),
    };
  }
  return undefined;
}

function document(content: unknown): Answer {
  return { type: "document", code: 200, document: content };
}

function plain(text: string): Answer {
  return { type: "text", code: 200, text, contentType: "text/plain; charset=utf-8" };
}

/** Source: apiserver `server/routes`: paths outside the API are answered by Go's default handler. */
export function notAPath(): Answer {
  return { type: "text", code: 404, text: "404 page not found\n", contentType: "text/plain; charset=utf-8" };
}
