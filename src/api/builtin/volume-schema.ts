import { atomic, bool, int32, int64, listOf, mapOf, quantity, struct, text, withDefault } from "../schema/build.ts";
import { labelSelector, objectMeta } from "../schema/meta-schema.ts";
import type { Schema } from "../schema/schema.ts";

/** Volumes of a pod. Source: Kubernetes `core/v1` types and `SetDefaults_*`. */

export const core = (name: string): string => `io.k8s.api.core.v1.${name}`;

export const localObjectReference: Schema = atomic(struct(core("LocalObjectReference"), { name: text }));

export const objectReference: Schema = atomic(
  struct(core("ObjectReference"), {
    kind: text,
    namespace: text,
    name: text,
    uid: text,
    apiVersion: text,
    resourceVersion: text,
    fieldPath: text,
  }),
);

export const typedLocalObjectReference: Schema = atomic(
  struct(core("TypedLocalObjectReference"), { apiGroup: text, kind: text, name: text }, ["kind", "name"]),
);

export const objectFieldSelector: Schema = atomic(
  struct(core("ObjectFieldSelector"), { apiVersion: withDefault("v1", text), fieldPath: text }, ["fieldPath"]),
);

export const resourceFieldSelector: Schema = atomic(
  struct(core("ResourceFieldSelector"), { containerName: text, resource: text, divisor: withDefault("0", quantity) }, [
    "resource",
  ]),
);

const defaultMode = withDefault(0o644, int32);
const keyToPath = struct(core("KeyToPath"), { key: text, mode: int32, path: text }, ["key", "path"]);
const items = listOf(keyToPath);
const fsType = text;
const readOnly = bool;

const downwardFile = struct(
  core("DownwardAPIVolumeFile"),
  { path: text, fieldRef: objectFieldSelector, resourceFieldRef: resourceFieldSelector, mode: int32 },
  ["path"],
);

const projection = struct(core("VolumeProjection"), {
  secret: struct(core("SecretProjection"), { name: text, items, optional: bool }),
  downwardAPI: struct(core("DownwardAPIProjection"), { items: listOf(downwardFile) }),
  configMap: struct(core("ConfigMapProjection"), { name: text, items, optional: bool }),
  serviceAccountToken: struct(
    core("ServiceAccountTokenProjection"),
    { audience: text, expirationSeconds: withDefault(3600, int64), path: text },
    ["path"],
  ),
  clusterTrustBundle: struct(
    core("ClusterTrustBundleProjection"),
    { name: text, signerName: text, labelSelector, optional: bool, path: text },
    ["path"],
  ),
});

export const claimSpec: Schema = struct(core("PersistentVolumeClaimSpec"), {
  accessModes: listOf(text),
  selector: labelSelector,
  resources: struct(core("VolumeResourceRequirements"), { limits: mapOf(quantity), requests: mapOf(quantity) }),
  volumeName: text,
  storageClassName: text,
  volumeMode: withDefault("Filesystem", text),
  dataSource: typedLocalObjectReference,
  dataSourceRef: struct(core("TypedObjectReference"), { apiGroup: text, kind: text, name: text, namespace: text }, [
    "kind",
    "name",
  ]),
  volumeAttributesClassName: text,
});

const simpleSources: Readonly<Record<string, Schema>> = {
  hostPath: struct(core("HostPathVolumeSource"), { path: text, type: withDefault("", text) }, ["path"]),
  emptyDir: struct(core("EmptyDirVolumeSource"), { medium: text, sizeLimit: quantity }),
  secret: struct(core("SecretVolumeSource"), { secretName: text, items, defaultMode, optional: bool }),
  configMap: struct(core("ConfigMapVolumeSource"), { name: text, items, defaultMode, optional: bool }),
  downwardAPI: struct(core("DownwardAPIVolumeSource"), { items: listOf(downwardFile), defaultMode }),
  projected: struct(core("ProjectedVolumeSource"), { sources: listOf(projection), defaultMode }),
  persistentVolumeClaim: struct(core("PersistentVolumeClaimVolumeSource"), { claimName: text, readOnly }, [
    "claimName",
  ]),
  ephemeral: struct(core("EphemeralVolumeSource"), {
    volumeClaimTemplate: struct(core("PersistentVolumeClaimTemplate"), { metadata: objectMeta, spec: claimSpec }, [
      "spec",
    ]),
  }),
  csi: struct(
    core("CSIVolumeSource"),
    { driver: text, readOnly, fsType, volumeAttributes: mapOf(text), nodePublishSecretRef: localObjectReference },
    ["driver"],
  ),
  nfs: struct(core("NFSVolumeSource"), { server: text, path: text, readOnly }, ["server", "path"]),
  image: struct(core("ImageVolumeSource"), { reference: text, pullPolicy: text }),
};

/** Sources that name storage of one vendor or protocol. Nothing here runs them, but manifests carry them. */
const vendorSources: Readonly<Record<string, Schema>> = {
  iscsi: struct(core("ISCSIVolumeSource"), {
    targetPortal: text,
    iqn: text,
    lun: int32,
    iscsiInterface: withDefault("default", text),
    fsType,
    readOnly,
    portals: listOf(text),
    chapAuthDiscovery: bool,
    chapAuthSession: bool,
    secretRef: localObjectReference,
    initiatorName: text,
  }),
  fc: struct(core("FCVolumeSource"), { targetWWNs: listOf(text), lun: int32, fsType, readOnly, wwids: listOf(text) }),
  awsElasticBlockStore: struct(core("AWSElasticBlockStoreVolumeSource"), {
    volumeID: text,
    fsType,
    partition: int32,
    readOnly,
  }),
  gcePersistentDisk: struct(core("GCEPersistentDiskVolumeSource"), {
    pdName: text,
    fsType,
    partition: int32,
    readOnly,
  }),
  azureDisk: struct(core("AzureDiskVolumeSource"), {
    diskName: text,
    diskURI: text,
    cachingMode: withDefault("ReadWrite", text),
    fsType: withDefault("ext4", text),
    readOnly: withDefault(false, bool),
    kind: withDefault("Shared", text),
  }),
  azureFile: struct(core("AzureFileVolumeSource"), { secretName: text, shareName: text, readOnly }),
  cephfs: struct(core("CephFSVolumeSource"), {
    monitors: listOf(text),
    path: text,
    user: text,
    secretFile: text,
    secretRef: localObjectReference,
    readOnly,
  }),
  cinder: struct(core("CinderVolumeSource"), { volumeID: text, fsType, readOnly, secretRef: localObjectReference }),
  flexVolume: struct(core("FlexVolumeSource"), {
    driver: text,
    fsType,
    secretRef: localObjectReference,
    readOnly,
    options: mapOf(text),
  }),
  flocker: struct(core("FlockerVolumeSource"), { datasetName: text, datasetUUID: text }),
  gitRepo: struct(core("GitRepoVolumeSource"), { repository: text, revision: text, directory: text }),
  glusterfs: struct(core("GlusterfsVolumeSource"), { endpoints: text, path: text, readOnly }),
  photonPersistentDisk: struct(core("PhotonPersistentDiskVolumeSource"), { pdID: text, fsType }),
  portworxVolume: struct(core("PortworxVolumeSource"), { volumeID: text, fsType, readOnly }),
  quobyte: struct(core("QuobyteVolumeSource"), {
    registry: text,
    volume: text,
    readOnly,
    user: text,
    group: text,
    tenant: text,
  }),
  rbd: struct(core("RBDVolumeSource"), {
    monitors: listOf(text),
    image: text,
    fsType,
    pool: withDefault("rbd", text),
    user: withDefault("admin", text),
    keyring: withDefault("/etc/ceph/keyring", text),
    secretRef: localObjectReference,
    readOnly,
  }),
  scaleIO: struct(core("ScaleIOVolumeSource"), {
    gateway: text,
    system: text,
    secretRef: localObjectReference,
    sslEnabled: bool,
    protectionDomain: text,
    storagePool: text,
    storageMode: withDefault("ThinProvisioned", text),
    volumeName: text,
    fsType: withDefault("xfs", text),
    readOnly,
  }),
  storageos: struct(core("StorageOSVolumeSource"), {
    volumeName: text,
    volumeNamespace: text,
    fsType,
    readOnly,
    secretRef: localObjectReference,
  }),
  vsphereVolume: struct(core("VsphereVirtualDiskVolumeSource"), {
    volumePath: text,
    fsType,
    storagePolicyName: text,
    storagePolicyID: text,
  }),
};

export const volume: Schema = struct(core("Volume"), { name: text, ...simpleSources, ...vendorSources }, ["name"]);
