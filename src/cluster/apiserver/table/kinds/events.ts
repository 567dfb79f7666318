import type { KubeObject } from "#api";
import { at, nameColumn, nameOf, numberAt, type Printer, sinceTime, text, textAt, wide } from "../printer.ts";

/** Events, in the form of the core group or of `events.k8s.io`. Source: kubernetes `printers/internalversion.printEvent`. */
export const eventPrinter: Printer = {
  columns: [
    text("Last Seen", "Time since it last happened."),
    text("Type", "Normal or Warning."),
    text("Reason", "What happened, in one word."),
    text("Object", "Object that it happened to."),
    wide(text("Subobject", "Part of the object.")),
    wide(text("Source", "Who reports it.")),
    text("Message", "What happened."),
    wide(text("First Seen", "Time since it first happened.")),
    wide(text("Count", "How often it happened.")),
    wide(nameColumn),
  ],
  cells: (event, nowMs) => {
    const seen = seenTimes(event);
    const object = at(event, "involvedObject") ?? at(event, "regarding");
    return [
      sinceTime(seen.last, nowMs),
      textAt(event, "type"),
      textAt(event, "reason"),
      targetOf(object),
      textAt(object, "fieldPath"),
      sourceOf(event),
      (textAt(event, "message") || textAt(event, "note")).trim(),
      sinceTime(seen.first, nowMs),
      seen.count,
      nameOf(event),
    ];
  },
};

function seenTimes(event: KubeObject): { first: string; last: string; count: number } {
  const first =
    textAt(event, "firstTimestamp") || textAt(event, "deprecatedFirstTimestamp") || textAt(event, "eventTime");
  const last = textAt(event, "lastTimestamp") || textAt(event, "deprecatedLastTimestamp") || first;
  const count = numberAt(event, "count") || numberAt(event, "deprecatedCount") || 1;
  if (at(event, "series") === undefined) return { first, last, count };
  return { first, last: textAt(event, "series", "lastObservedTime"), count: numberAt(event, "series", "count") };
}

function targetOf(object: unknown): string {
  const kind = textAt(object, "kind").toLowerCase();
  const name = textAt(object, "name");
  return name === "" ? kind : `${kind}/${name}`;
}

function sourceOf(event: KubeObject): string {
  const source = at(event, "source") ?? at(event, "deprecatedSource");
  const component =
    textAt(source, "component") || textAt(event, "reportingComponent") || textAt(event, "reportingController");
  const instance = textAt(source, "host") || textAt(event, "reportingInstance");
  return instance === "" ? component : `${component}, ${instance}`;
}
