import type { KindDefinition, KubeObject } from "#api";
import { apiVersionOf } from "#api";
import type { ObjectPath, StoredObject } from "../../store/index.ts";
import type { Named } from "../status/status-error.ts";

/**
 * A kind in one version, as a URL reaches it. Versions of a kind share one collection of the store; where they differ in
 * more than their name, `toServed` and `toStored` convert.
 */
export interface Endpoint {
  readonly kind: KindDefinition;
  readonly apiVersion: string;
  readonly collection: string;
  /** Verbs of a resource that is answered on the spot rather than kept in the store; absent for all others. */
  readonly virtualVerbs?: readonly string[];
  toStored(object: KubeObject): KubeObject;
  toServed(object: KubeObject): KubeObject;
}

/** How a kind's version is turned into the stored one and back. */
export interface Conversion {
  readonly toStored: (object: KubeObject) => KubeObject;
  readonly toServed: (object: KubeObject) => KubeObject;
}

/** Makes the endpoint of a kind; without a conversion an object of another version only changes its `apiVersion`. */
export function endpointOf(kind: KindDefinition, collection: string, conversion?: Conversion): Endpoint {
  const apiVersion = apiVersionOf(kind.resource);
  const rename = (object: KubeObject): KubeObject =>
    object.apiVersion === apiVersion ? object : { ...object, apiVersion };
  return {
    kind,
    apiVersion,
    collection,
    toStored: conversion?.toStored ?? ((object) => object),
    toServed: conversion?.toServed ?? rename,
  };
}

/** A stored object as an endpoint shows it, with its text. */
export interface Served {
  readonly object: KubeObject;
  readonly json: string;
}

const served = new WeakMap<StoredObject, Map<string, Served>>();

/** Shows a stored object in the endpoint's version. The text is made once for each version, however many clients read it. */
export function serve(endpoint: Endpoint, stored: StoredObject): Served {
  const known = served.get(stored)?.get(endpoint.apiVersion);
  if (known !== undefined) return known;
  const object = endpoint.toServed(stored.object);
  if (object === stored.object) return stored;
  const made = { object, json: JSON.stringify(object) };
  const versions = served.get(stored) ?? new Map<string, Served>();
  versions.set(endpoint.apiVersion, made);
  served.set(stored, versions);
  return made;
}

export function pathOf(endpoint: Endpoint, namespace: string, name: string): ObjectPath {
  return { collection: endpoint.collection, namespace, name };
}

/** The object as most messages name it, by its resource: `deployments.apps "x"`. */
export function byResource(endpoint: Endpoint, name: string): Named {
  return { group: endpoint.kind.resource.group, kind: endpoint.kind.resource.plural, name };
}

/** The object as validation messages name it, by its kind: `Deployment.apps "x"`. */
export function byKind(endpoint: Endpoint, name: string): Named {
  return { group: endpoint.kind.resource.group, kind: endpoint.kind.resource.kind, name };
}
