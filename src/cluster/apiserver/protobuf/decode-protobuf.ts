import { isObject } from "#base";
import { accessMessages } from "./messages/access.ts";
import { coreMessages } from "./messages/core.ts";
import { metaMessages } from "./messages/meta.ts";
import { networkMessages } from "./messages/network.ts";
import { workloadMessages } from "./messages/workload.ts";
import { type FieldType, type Message, parseMessages } from "./parse-messages.ts";
import { isWellKnown, readScalar, readText } from "./scalars.ts";
import { malformed, readFields, valueOf } from "./wire.ts";

/** Media type of built-in kinds in protobuf, which typed commands of kubectl send from 1.32 on. */
export const PROTOBUF = "application/vnd.kubernetes.protobuf";

/** First bytes of every such body. Source: apimachinery `serializer/protobuf`. */
const MAGIC = "k8s\0";

/** A field may take two bytes, so the length alone does not bound the work. The largest real objects have some ten thousand. */
const FIELDS_MAX = 200_000;

type Fields = Record<string, unknown>;

/** Reads objects of built-in kinds from protobuf. */
export interface ProtobufDecoder {
  /**
   * Returns the object as its JSON would have it, apiVersion and kind included.
   *
   * @throws Failure `MalformedProtobuf` when the bytes are no object of a known kind.
   */
  decode(bytes: Uint8Array): Fields;
}

/** Makes a decoder; the tables of messages are read once. */
export function createProtobufDecoder(): ProtobufDecoder {
  const messages = parseMessages(metaMessages, coreMessages, workloadMessages, networkMessages, accessMessages);
  return {
    decode(bytes) {
      const { apiVersion, kind, raw } = readEnvelope(bytes);
      const message = messages.get(messageName(apiVersion, kind));
      if (message === undefined) throw malformed(`no message is known for ${apiVersion} ${kind}; send it as JSON`);
      return { apiVersion, kind, ...readMessage({ messages, message, bytes: raw, progress: { fieldCount: 0 } }) };
    },
  };
}

/** The same kind in two groups has two messages; the options of a deletion are the same in every group. */
function messageName(apiVersion: string, kind: string): string {
  if (kind === "DeleteOptions") return kind;
  if (apiVersion === "autoscaling/v1") return `${kind}V1`;
  return apiVersion === "events.k8s.io/v1" ? `Events${kind}` : kind;
}

/** Source: the published .proto definition of `runtime.Unknown`. */
function readEnvelope(bytes: Uint8Array): { apiVersion: string; kind: string; raw: Uint8Array } {
  if (bytes.length < MAGIC.length || String.fromCharCode(...bytes.subarray(0, MAGIC.length)) !== MAGIC) {
    throw malformed("it does not start with the magic number of Kubernetes");
  }
  const envelope = bytes.subarray(MAGIC.length);
  const bytesOf = (number: number): Uint8Array => {
    const value = valueOf(envelope, number) ?? new Uint8Array();
    if (value instanceof Uint8Array) return value;
    throw malformed(`field ${number} of the envelope is a number`);
  };
  const typeMeta = bytesOf(1);
  return { apiVersion: readText(valueOf(typeMeta, 1)), kind: readText(valueOf(typeMeta, 2)), raw: bytesOf(2) };
}

/** No message of the tables holds itself, so their depth is bounded. */
interface Reading {
  readonly messages: ReadonlyMap<string, Message>;
  readonly message: Message;
  readonly bytes: Uint8Array;
  /** Shared by all messages of a body. */
  readonly progress: { fieldCount: number };
}

function readMessage(reading: Reading): Fields {
  const fields: Fields = {};
  for (const { number, value } of readFields(reading.bytes)) {
    reading.progress.fieldCount += 1;
    if (reading.progress.fieldCount > FIELDS_MAX) throw malformed(`the object has more than ${FIELDS_MAX} fields`);
    const field = reading.message.get(number);
    // A newer client may send fields that are not known here.
    if (field === undefined) continue;
    const { json, type } = field;
    if (type.shape === "map") addEntry(fields, { json: json ?? "", type, value, reading });
    else {
      const read = readValue(type, value, reading);
      if (json === undefined) Object.assign(fields, read);
      else if (type.shape === "list") addItem(fields, json, read);
      else if (read !== undefined && (type.isPointer || !isZero(read))) fields[json] = read;
    }
  }
  return fields;
}

function readValue(type: FieldType, value: number | Uint8Array, reading: Reading): unknown {
  if (isWellKnown(type.name)) return readScalar(type.name, value);
  const message = reading.messages.get(type.name);
  if (message === undefined || !(value instanceof Uint8Array)) throw malformed(`a ${type.name} is no message`);
  return readMessage({ ...reading, message, bytes: value });
}

interface Entry {
  readonly json: string;
  readonly type: FieldType;
  readonly value: number | Uint8Array;
  readonly reading: Reading;
}

/** A map is a list of messages with a key (1) and a value (2). */
function addEntry(fields: Fields, { json, type, value, reading }: Entry): void {
  if (!(value instanceof Uint8Array)) throw malformed(`${json} is no map`);
  const key = readText(valueOf(value, 1));
  if (key === "__proto__") throw malformed(`${json} has the key "__proto__", which is not accepted`);
  const content = valueOf(value, 2) ?? new Uint8Array();
  const item = readValue(type, content, reading);
  const map = fields[json];
  if (isObject(map)) map[key] = item;
  else fields[json] = { [key]: item };
}

function addItem(fields: Fields, json: string, item: unknown): void {
  const list: unknown = fields[json];
  if (Array.isArray(list)) list.push(item);
  else fields[json] = [item];
}

/** What Go writes for a field that nothing was set in. */
function isZero(value: unknown): boolean {
  return value === "" || value === 0 || value === false || (isObject(value) && Object.keys(value).length === 0);
}
