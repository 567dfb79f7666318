import type { Schema } from "./schema.ts";

/** A list as custom resources have it: without a list type, so that server-side apply takes it as a whole. */
export function arrayOf(items: Schema): Schema {
  return { type: "array", items };
}
