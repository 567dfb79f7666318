import type { KubeObject, Resource } from "#api";
import type { Problem } from "#base";

/**
 * Judges the writes of a kind before they are stored, as a validating webhook would. It is called inside the write's
 * transaction, so that of two writes that exclude each other one sees the other.
 */
export interface AdmissionReviewer {
  /** As refusals name it: `vscaledobject.kb.io`. */
  readonly name: string;
  /** Kind whose objects it judges, in every version; writes to subresources are not its business. */
  readonly resource: Pick<Resource, "group" | "plural">;
  /** Must return at once: other writers wait for it. */
  review(request: AdmissionRequest, view: AdmissionView): AdmissionReview;
}

export interface AdmissionRequest {
  /** What would be stored: defaults are in, the schema is satisfied. */
  readonly object: KubeObject;
  /** What is stored; absent when the object is created. */
  readonly old: KubeObject | undefined;
  readonly isDryRun: boolean;
}

/** The other objects, as they are when the write is made. */
export interface AdmissionView {
  /** Objects of a namespace; empty when nobody serves the kind. */
  list(resource: Resource, namespace: string): readonly KubeObject[];
  get(resource: Resource, key: { readonly namespace: string; readonly name: string }): KubeObject | undefined;
}

export interface AdmissionReview {
  /** Reasons to refuse the write. */
  readonly problems: readonly Problem[];
  /** Texts that the client is shown although the write is done. */
  readonly warnings: readonly string[];
}
