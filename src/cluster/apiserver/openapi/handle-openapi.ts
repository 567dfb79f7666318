import { parseAccept } from "../request/negotiate.ts";
import type { Answer } from "../respond/answer.ts";
import type { HashedDocument, OpenApiDocuments } from "./openapi-documents.ts";

const PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/** How clients write the type: before 1.27 with an `@`, which no media type may have. */
const PROTOBUF_NAMES = new Set([PROTOBUF, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"]);

/** Answers `/openapi/v2`, `/openapi/v3` and the documents below; undefined for any other path. */
export function handleOpenApi(
  documents: OpenApiDocuments,
  path: string,
  accept: string | undefined,
): Answer | undefined {
  if (path === "/openapi/v2") {
    const wantsProtobuf = parseAccept(accept ?? "").some(({ type }) => PROTOBUF_NAMES.has(type));
    return wantsProtobuf ? bytes(documents.v2Protobuf(), PROTOBUF) : bytes(documents.v2Json(), "application/json");
  }
  if (path === "/openapi/v3") return { type: "document", code: 200, document: documents.index() };
  const document = path.startsWith("/openapi/v3/") ? documents.v3(path.slice("/openapi/v3/".length)) : undefined;
  return document === undefined ? undefined : bytes(document, "application/json");
}

function bytes(document: HashedDocument, contentType: string): Answer {
  return { type: "bytes", code: 200, bytes: document.bytes, contentType, etag: `"${document.hash}"` };
}
