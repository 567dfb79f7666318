import { notAcceptable } from "../status/status-error.ts";

/** The form in which a client wants the answer. */
export interface Format {
  readonly media: "json" | "yaml";
  /** The shape that replaces the object or list, when one was asked for and is offered here. */
  readonly as?: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";
}

/** Raw clauses of an Accept header, most preferred first. */
export interface AcceptClause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const OFFERED = ["application/json", "application/yaml"];
/** An Accept header has a handful of clauses; what comes after these is ignored. */
const CLAUSE_COUNT = 32;

const SHAPES = ["Table", "PartialObjectMetadata", "PartialObjectMetadataList"] as const;

/**
 * Chooses the first form of the Accept header that the server can give.
 *
 * It comes before the body is read: a client that could not understand the answer should not have changed anything.
 *
 * @throws StatusError 406 when none can be given.
 */
export function negotiate(accept: string | undefined): Format {
  if (accept === undefined || accept.trim() === "") return { media: "json" };
  for (const clause of parseAccept(accept)) {
    const format = formatOf(clause);
    if (format !== undefined) return format;
  }
  throw notAcceptable([...OFFERED, "application/vnd.kubernetes.protobuf"]);
}

function formatOf({ type, parameters }: AcceptClause): Format | undefined {
  const media = mediaOf(type);
  if (media === undefined) return undefined;
  const wanted = parameters.get("as");
  if (wanted === undefined) return { media };
  const as = SHAPES.find((shape) => shape === wanted);
  const isOffered = parameters.get("g") === "meta.k8s.io" && parameters.get("v") === "v1";
  return as === undefined || !isOffered ? undefined : { media, as };
}

function mediaOf(type: string): Format["media"] | undefined {
  if (type === "application/json" || type === "application/*" || type === "*/*") return "json";
  return type === "application/yaml" ? "yaml" : undefined;
}

export function parseAccept(accept: string): readonly AcceptClause[] {
  const clauses = accept.split(",", CLAUSE_COUNT).map((text) => {
    const [type = "", ...rest] = text.split(";").map((part) => part.trim());
    const parameters = new Map(
      rest.map((pair) => [pair.split("=", 1)[0] ?? "", pair.slice(pair.indexOf("=") + 1)] as const),
    );
    return { type: type.toLowerCase(), parameters };
  });
  // A stable sort: clauses of equal weight keep their order.
  return clauses.sort((a, b) => weightOf(b) - weightOf(a));
}

function weightOf(clause: AcceptClause): number {
  const weight = Number(clause.parameters.get("q") ?? "1");
  return Number.isFinite(weight) ? weight : 0;
}
