import type { KindDefinition, KubeObject } from "#api";
import { apiVersionOf, applyDefaults } from "#api";
import type { ObjectPath, StoredObject } from "../../store/index.ts";
import type { ApiResource } from "./api-resource.ts";
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
  /**
   * On an endpoint whose plural is `*`, which answers for every name of its group and version that no other endpoint has:
   * what discovery lists in its place. Such names come and go, as those of metrics do.
   */
  readonly listed?: () => readonly ApiResource[];
  /** What has been shown already; it goes with the stored object. */
  readonly shown: WeakMap<StoredObject, Served>;
  toStored(object: KubeObject): KubeObject;
  toServed(object: KubeObject): KubeObject;
}

/** How a kind's version is turned into the stored one and back. */
export interface Conversion {
  readonly toStored: (object: KubeObject) => KubeObject;
  readonly toServed: (object: KubeObject) => KubeObject;
}

/**
 * Makes the endpoint of a kind. Without a conversion an object of another version only changes its `apiVersion`; a custom
 * resource also gets the defaults that its definition has learned since it was stored.
 */
export function endpointOf(kind: KindDefinition, collection: string, conversion?: Conversion): Endpoint {
  const apiVersion = apiVersionOf(kind.resource);
  const rename = (object: KubeObject): KubeObject =>
    object.apiVersion === apiVersion ? object : { ...object, apiVersion };
  // Defaulting keeps the shape, so the result is an object still.
  const complete = (object: KubeObject): KubeObject => applyDefaults(kind.schema, rename(object)) as KubeObject;
  return {
    kind,
    apiVersion,
    collection,
    shown: new WeakMap(),
    toStored: conversion?.toStored ?? ((object) => object),
    toServed: conversion?.toServed ?? (kind.origin === "crd" ? complete : rename),
  };
}

/** A stored object as an endpoint shows it, with its text. */
export interface Served {
  readonly object: KubeObject;
  readonly json: string;
}

/** Shows a stored object in the endpoint's version. The text is made once for each version, however many clients read it. */
export function serve(endpoint: Endpoint, stored: StoredObject): Served {
  const known = endpoint.shown.get(stored);
  if (known !== undefined) return known;
  const object = endpoint.toServed(stored.object);
  const made = object === stored.object ? stored : { object, json: JSON.stringify(object) };
  endpoint.shown.set(stored, made);
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
