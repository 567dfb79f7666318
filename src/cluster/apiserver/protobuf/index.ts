export { createProtobufDecoder, PROTOBUF, type ProtobufDecoder } from "./decode-protobuf.ts";
