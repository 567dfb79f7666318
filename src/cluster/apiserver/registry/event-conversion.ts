import type { KubeObject } from "#api";
import type { Conversion } from "./endpoint.ts";

/** Fields by their name in the core group, which is stored, and in `events.k8s.io/v1`. Source: `pkg/apis/events/v1` conversions. */
const NAMES: readonly (readonly [stored: string, served: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];

export const eventConversion: Conversion = {
  toStored: (event) => renamed(event, "v1", new Map(NAMES.map(([stored, served]) => [served, stored]))),
  toServed: (event) => renamed(event, "events.k8s.io/v1", new Map(NAMES)),
};

function renamed(event: KubeObject, apiVersion: string, names: ReadonlyMap<string, string>): KubeObject {
  const entries = Object.entries(event).map(([name, value]) => [names.get(name) ?? name, value] as const);
  // Renaming touches neither metadata nor kind, so the result is an object still.
  return { ...Object.fromEntries(entries), apiVersion } as KubeObject;
}
