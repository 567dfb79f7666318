import { stringify } from "yaml";
import type { Format } from "../request/negotiate.ts";
import { notAcceptable } from "../status/status-error.ts";
import type { Answer } from "./answer.ts";
import { partialMetadata, tableOf } from "./shapes.ts";

/** An answer as bytes on the wire. */
export interface Rendered {
  readonly code: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly etag?: string;
}

export interface RenderOptions {
  readonly format: Format;
  readonly includeObject: string | undefined;
  readonly nowMs: number;
}

type Immediate = Exclude<Answer, { type: "stream" }>;

/** Gives an answer the form that was negotiated. Plain JSON is put together from the texts that the store keeps. */
export function render(answer: Immediate, options: RenderOptions): Rendered {
  switch (answer.type) {
    case "object":
      return { code: answer.code, ...renderObject(answer, options) };
    case "list":
      return { code: 200, ...renderList(answer, options) };
    case "document": {
      const rendered = encode(JSON.stringify(answer.document), options.format);
      return {
        code: answer.code,
        ...rendered,
        ...(answer.contentType === undefined ? {} : { contentType: answer.contentType }),
      };
    }
    case "text":
      return { code: answer.code, contentType: answer.contentType, body: answer.text };
    case "bytes":
      return {
        code: answer.code,
        contentType: answer.contentType,
        body: answer.bytes,
        ...(answer.etag === undefined ? {} : { etag: answer.etag }),
      };
  }
}

type Encoded = Pick<Rendered, "contentType" | "body">;

function renderObject({ endpoint, served }: Extract<Answer, { type: "object" }>, options: RenderOptions): Encoded {
  const { format } = options;
  if (format.as === undefined) return encode(served.json, format);
  if (format.as === "PartialObjectMetadataList") throw notAcceptable(["application/json", "application/yaml"]);
  if (format.as === "PartialObjectMetadata") return encode(JSON.stringify(partialMetadata(served.object)), format);
  const metadata = { resourceVersion: served.object.metadata.resourceVersion ?? "" };
  return encode(JSON.stringify(tableOf({ endpoint, objects: [served.object], metadata, ...options })), format);
}

function renderList(
  { endpoint, objects, metadata }: Extract<Answer, { type: "list" }>,
  options: RenderOptions,
): Encoded {
  const { format } = options;
  if (format.as === "Table") {
    return encode(
      JSON.stringify(tableOf({ endpoint, objects: objects.map(({ object }) => object), metadata, ...options })),
      format,
    );
  }
  const isPartial = format.as !== undefined;
  const kind = isPartial ? "PartialObjectMetadataList" : endpoint.kind.listKind;
  const apiVersion = isPartial ? "meta.k8s.io/v1" : endpoint.apiVersion;
  const items = objects.map(({ object, json }) => (isPartial ? JSON.stringify(partialMetadata(object)) : json));
  const head = `"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)}`;
  return encode(`{${head},"items":[${items.join(",")}]}`, format);
}

function encode(json: string, format: Format): Encoded {
  if (format.media === "json") return { contentType: "application/json", body: `${json}\n` };
  return {
    contentType: "application/yaml",
    body: stringify(JSON.parse(json), { lineWidth: 0, sortMapEntries: true, aliasDuplicateObjects: false }),
  };
}
