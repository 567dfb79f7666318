import { assert } from "#base";

/** How a field's bytes become JSON: a scalar, a well-known type, or the name of a message. */
export interface FieldType {
  readonly name: string;
  readonly shape: "one" | "list" | "map";
  /**
   * The Go field is a pointer, so a zero value was written on purpose. Other zero values only mean that nothing was set. The .proto
   * definitions do not tell the two apart; this follows the Go types of the API.
   */
  readonly isPointer: boolean;
}

export interface MessageField {
  /** Name in JSON; undefined when the fields of the message belong to the one around it. */
  readonly json: string | undefined;
  readonly type: FieldType;
}

/** Fields of a message by their numbers. */
export type Message = ReadonlyMap<number, MessageField>;

/**
 * Reads the tables of messages. A message starts at the beginning of a line, `NAME: FIELD, FIELD`, and goes on in indented lines; a field
 * is `NUMBER JSON-NAME TYPE`, where `...` for the name marks embedded fields, `T[]` a list, `{T}` a map and `T?` a pointer.
 */
export function parseMessages(...tables: readonly string[]): ReadonlyMap<string, Message> {
  const messages = new Map<string, Message>();
  for (const block of tables.join("\n").split(/\n(?=\S)/)) {
    const [, name, fields] = /^\s*(\w+): (.*)$/s.exec(block) ?? [];
    if (name === undefined || fields === undefined) continue;
    assert(!messages.has(name), `the message ${name} stands in the tables twice`);
    messages.set(name, new Map(fields.split(",").map(parseField)));
  }
  return messages;
}

function parseField(text: string): [number, MessageField] {
  const [, number, json, type] = /^\s*(\d+)\s+(\S+)\s+(\S+)\s*$/.exec(text) ?? [];
  assert(number !== undefined && json !== undefined && type !== undefined, `"${text}" is no field of a message`);
  return [Number(number), { json: json === "..." ? undefined : json, type: parseType(type) }];
}

function parseType(text: string): FieldType {
  const isPointer = text.endsWith("?");
  const bare = isPointer ? text.slice(0, -1) : text;
  if (bare.endsWith("[]")) return { name: bare.slice(0, -2), shape: "list", isPointer };
  if (bare.startsWith("{")) return { name: bare.slice(1, -1), shape: "map", isPointer };
  return { name: bare, shape: "one", isPointer };
}
