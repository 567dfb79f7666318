import type { KubeObject } from "#api";
import type { Endpoint, Served } from "../registry/endpoint.ts";
import type { Format } from "../request/negotiate.ts";
import type { StatusError } from "../status/status-error.ts";
import type { Sink } from "./answer.ts";
import { partialMetadata, tableOf } from "./shapes.ts";

export interface EventWriter {
  send(type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK", served: Served): void;
  /** Sends an ERROR event; the client lists again. */
  fail(error: StatusError): void;
}

export interface EventWriterInput {
  readonly endpoint: Endpoint;
  readonly format: Format;
  readonly includeObject: string | undefined;
  readonly sink: Sink;
  readonly nowMs: () => number;
}

/** Writes watch events, one a line, in the shape that was asked for. Plain objects go out as the text they are kept in. */
export function createEventWriter(input: EventWriterInput): EventWriter {
  const { sink, format } = input;
  let hasSentColumns = false;

  function shaped(served: Served): string {
    if (format.as === undefined) return served.json;
    if (format.as !== "Table") return JSON.stringify(partialMetadata(served.object));
    const table = tableFor(served.object);
    const columns = hasSentColumns ? { columnDefinitions: null } : {};
    hasSentColumns = true;
    return JSON.stringify({ ...table, ...columns });
  }

  function tableFor(object: KubeObject): object {
    return tableOf({
      ...input,
      nowMs: input.nowMs(),
      objects: [object],
      metadata: { resourceVersion: object.metadata.resourceVersion ?? "" },
    });
  }

  return {
    send: (type, served) => sink.write(`{"type":"${type}","object":${shaped(served)}}\n`),
    fail: (error) => sink.write(`${JSON.stringify({ type: "ERROR", object: error.status })}\n`),
  };
}
