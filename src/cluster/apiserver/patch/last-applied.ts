import type { KubeObject, Schema } from "#api";
import { canonicalJson, isObject } from "#base";
import { emptySet, type FieldSet } from "./fields/field-set.ts";
import { fieldSetOf } from "./fields/field-set-of.ts";

const ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";

/** The manager that kubectl applies as; only for it does the server keep the annotation of client-side apply in step. */
export const KUBECTL = "kubectl";

/**
 * The fields that an earlier client-side apply set. A server-side apply by kubectl may take them over without a conflict, since
 * both are the same person.
 *
 * Source: apimachinery `managedfields.lastAppliedManager`.
 */
export function lastAppliedFields(schema: Schema, live: KubeObject | undefined): FieldSet {
  const text = live?.metadata.annotations?.[ANNOTATION];
  const config = text === undefined ? undefined : parse(text);
  if (!isObject(config) || config["apiVersion"] !== live?.apiVersion) return emptySet;
  return fieldSetOf(schema, config);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Anyone may write the annotation; a broken one allows nothing.
    return undefined;
  }
}

/** Renews the annotation of client-side apply on an object that has one. Source: apimachinery `managedfields.lastAppliedUpdater`. */
export function renewLastApplied(object: KubeObject, applied: KubeObject): KubeObject {
  const annotations = object.metadata.annotations;
  if (annotations?.[ANNOTATION] === undefined) return object;
  const text = `${canonicalJson(withoutAnnotation(applied))}\n`;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [ANNOTATION]: text } } };
}

function withoutAnnotation(applied: KubeObject): KubeObject {
  const { [ANNOTATION]: _, ...annotations } = applied.metadata.annotations ?? {};
  return { ...applied, metadata: { ...applied.metadata, annotations } };
}
