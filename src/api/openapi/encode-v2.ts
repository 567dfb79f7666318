import { isObject } from "#base";
import { ProtobufWriter } from "../protobuf-writer.ts";

type Document = Readonly<Record<string, unknown>>;

/**
 * Encodes an OpenAPI 2 document as the protobuf message that kubectl asks for: gnostic's `openapi.v2.Document`.
 *
 * Only what {@link openApiV2Document} writes is encoded. Extensions travel as YAML text, of which JSON is a part.
 *
 * Source: gnostic-models `openapiv2/OpenAPIv2.proto`; the numbers below are its field numbers.
 */
export function encodeOpenApiV2Protobuf(document: Document): Uint8Array {
  const info = fieldsOf(document.info);
  const paths = new ProtobufWriter();
  for (const [name, item] of entriesOf(document.paths)) paths.message(2, named(name, pathItem(fieldsOf(item))));
  return new ProtobufWriter()
    .text(1, textOf(document.swagger))
    .message(2, new ProtobufWriter().text(1, textOf(info.title)).text(2, textOf(info.version)))
    .message(8, paths)
    .message(9, namedSchemas(document.definitions))
    .finish();
}

function named(name: string, value: ProtobufWriter): ProtobufWriter {
  return new ProtobufWriter().text(1, name).message(2, value);
}

function namedSchemas(value: unknown): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const [name, item] of entriesOf(value)) writer.message(1, named(name, schema(fieldsOf(item))));
  return writer;
}

function pathItem(item: Document): ProtobufWriter {
  const writer = new ProtobufWriter()
    .message(2, operation(item.get))
    .message(3, operation(item.put))
    .message(4, operation(item.post))
    .message(5, operation(item.delete))
    .message(8, operation(item.patch));
  for (const parameter of listOf(item.parameters)) writer.message(9, parameterItem(fieldsOf(parameter)));
  return writer;
}

function operation(value: unknown): ProtobufWriter | undefined {
  if (!isObject(value)) return undefined;
  const writer = new ProtobufWriter().text(5, textOf(value.operationId)).texts(7, textsOf(value.consumes));
  for (const parameter of listOf(value.parameters)) writer.message(8, parameterItem(fieldsOf(parameter)));
  writer.message(9, responses(value.responses));
  return writeExtensions(writer, 13, value);
}

function parameterItem(parameter: Document): ProtobufWriter {
  const place = parameter.in;
  const inside = new ProtobufWriter();
  if (place === "body") {
    const body = new ProtobufWriter()
      .text(2, textOf(parameter.name))
      .text(3, "body")
      .flag(4, parameter.required === true)
      .message(5, schema(fieldsOf(parameter.schema)));
    inside.message(1, body);
  } else {
    inside.message(2, nonBodyParameter(parameter));
  }
  return new ProtobufWriter().message(1, inside);
}

/** The type has another number in the message for the query than in that for the path. */
function nonBodyParameter(parameter: Document): ProtobufWriter {
  const isPath = parameter.in === "path";
  const inside = new ProtobufWriter()
    .flag(1, parameter.required === true)
    .text(2, textOf(parameter.in))
    .text(4, textOf(parameter.name))
    .text(isPath ? 5 : 6, textOf(parameter.type));
  return new ProtobufWriter().message(isPath ? 4 : 3, inside);
}

function responses(value: unknown): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const [code, item] of entriesOf(value)) {
    const response = fieldsOf(item);
    const answer = isObject(response.schema) ? new ProtobufWriter().message(1, schema(response.schema)) : undefined;
    const body = new ProtobufWriter().text(1, textOf(response.description)).message(2, answer);
    writer.message(1, named(code, new ProtobufWriter().message(1, body)));
  }
  return writer;
}

function schema(value: Document): ProtobufWriter {
  const writer = new ProtobufWriter()
    .text(1, textOf(value.$ref))
    .text(2, textOf(value.format))
    .text(4, textOf(value.description))
    .double(6, numberOf(value.multipleOf))
    .double(7, numberOf(value.maximum))
    .flag(8, value.exclusiveMaximum === true)
    .double(9, numberOf(value.minimum))
    .flag(10, value.exclusiveMinimum === true)
    .count(11, numberOf(value.maxLength))
    .count(12, numberOf(value.minLength))
    .text(13, textOf(value.pattern))
    .count(14, numberOf(value.maxItems))
    .count(15, numberOf(value.minItems))
    .count(17, numberOf(value.maxProperties))
    .count(18, numberOf(value.minProperties))
    .texts(19, textsOf(value.required));
  for (const item of listOf(value.enum)) writer.message(20, yamlValue(item));
  if (isObject(value.additionalProperties)) {
    writer.message(21, new ProtobufWriter().message(1, schema(value.additionalProperties)));
  }
  if (typeof value.type === "string") writer.message(22, new ProtobufWriter().text(1, value.type));
  if (isObject(value.items)) writer.message(23, new ProtobufWriter().message(1, schema(value.items)));
  if (isObject(value.properties)) writer.message(25, namedSchemas(value.properties));
  return writeExtensions(writer, 31, value);
}

function writeExtensions(writer: ProtobufWriter, field: number, value: Document): ProtobufWriter {
  for (const [key, item] of Object.entries(value)) {
    if (key.startsWith("x-")) writer.message(field, named(key, yamlValue(item)));
  }
  return writer;
}

function yamlValue(value: unknown): ProtobufWriter {
  return new ProtobufWriter().text(2, `${JSON.stringify(value)}\n`);
}

function fieldsOf(value: unknown): Document {
  return isObject(value) ? value : {};
}

function entriesOf(value: unknown): readonly [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((item) => typeof item === "string");
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
