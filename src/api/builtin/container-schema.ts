import {
  bool,
  int32,
  int64,
  intOrString,
  listOf,
  mapListOf,
  mapOf,
  mergedBy,
  mergeListOf,
  oneOf,
  quantity,
  struct,
  text,
  time,
  withDefault,
  between,
} from "../schema/build.ts";
import type { Schema } from "../schema/schema.ts";
import { core, objectFieldSelector, resourceFieldSelector } from "./volume-schema.ts";

/** Containers of a pod and what they report. Source: Kubernetes `core/v1` types and `SetDefaults_*`. */

const port = between(1, 65_535, int32);

const envVarSource = struct(core("EnvVarSource"), {
  fieldRef: objectFieldSelector,
  resourceFieldRef: resourceFieldSelector,
  configMapKeyRef: {
    ...struct(core("ConfigMapKeySelector"), { name: text, key: text, optional: bool }, ["key"]),
    "x-kubernetes-map-type": "atomic",
  },
  secretKeyRef: {
    ...struct(core("SecretKeySelector"), { name: text, key: text, optional: bool }, ["key"]),
    "x-kubernetes-map-type": "atomic",
  },
});

const envVar = struct(core("EnvVar"), { name: text, value: text, valueFrom: envVarSource }, ["name"]);

const envFromSource = struct(core("EnvFromSource"), {
  prefix: text,
  configMapRef: struct(core("ConfigMapEnvSource"), { name: text, optional: bool }),
  secretRef: struct(core("SecretEnvSource"), { name: text, optional: bool }),
});

const containerPort = struct(
  core("ContainerPort"),
  {
    name: text,
    hostPort: between(1, 65_535, int32),
    containerPort: port,
    protocol: withDefault("TCP", oneOf("TCP", "UDP", "SCTP")),
    hostIP: text,
  },
  ["containerPort"],
);

const execAction = struct(core("ExecAction"), { command: listOf(text) });
const httpHeader = struct(core("HTTPHeader"), { name: text, value: text }, ["name"]);
const httpGetAction = struct(
  core("HTTPGetAction"),
  {
    path: withDefault("/", text),
    port: intOrString,
    host: text,
    scheme: withDefault("HTTP", oneOf("HTTP", "HTTPS")),
    httpHeaders: listOf(httpHeader),
  },
  ["port"],
);
const tcpSocketAction = struct(core("TCPSocketAction"), { port: intOrString, host: text }, ["port"]);

const probe = struct(core("Probe"), {
  exec: execAction,
  httpGet: httpGetAction,
  tcpSocket: tcpSocketAction,
  grpc: struct(core("GRPCAction"), { port, service: withDefault("", text) }, ["port"]),
  initialDelaySeconds: between(0, undefined, int32),
  timeoutSeconds: withDefault(1, between(0, undefined, int32)),
  periodSeconds: withDefault(10, between(0, undefined, int32)),
  successThreshold: withDefault(1, between(0, undefined, int32)),
  failureThreshold: withDefault(3, between(0, undefined, int32)),
  terminationGracePeriodSeconds: between(1, undefined, int64),
});

const lifecycleHandler = struct(core("LifecycleHandler"), {
  exec: execAction,
  httpGet: httpGetAction,
  tcpSocket: tcpSocketAction,
  sleep: struct(core("SleepAction"), { seconds: int64 }, ["seconds"]),
});

const resourceClaim = struct(core("ResourceClaim"), { name: text, request: text }, ["name"]);

export const resourceRequirements: Schema = struct(core("ResourceRequirements"), {
  limits: mapOf(quantity),
  requests: mapOf(quantity),
  claims: mapListOf(["name"], resourceClaim),
});

export const seLinuxOptions: Schema = struct(core("SELinuxOptions"), {
  user: text,
  role: text,
  type: text,
  level: text,
});
export const seccompProfile: Schema = struct(
  core("SeccompProfile"),
  { type: oneOf("Localhost", "RuntimeDefault", "Unconfined"), localhostProfile: text },
  ["type"],
);
export const appArmorProfile: Schema = struct(
  core("AppArmorProfile"),
  { type: oneOf("Localhost", "RuntimeDefault", "Unconfined"), localhostProfile: text },
  ["type"],
);
export const windowsOptions: Schema = struct(core("WindowsSecurityContextOptions"), {
  gmsaCredentialSpecName: text,
  gmsaCredentialSpec: text,
  runAsUserName: text,
  hostProcess: bool,
});

const securityContext = struct(core("SecurityContext"), {
  capabilities: struct(core("Capabilities"), { add: listOf(text), drop: listOf(text) }),
  privileged: bool,
  seLinuxOptions,
  windowsOptions,
  runAsUser: between(0, undefined, int64),
  runAsGroup: between(0, undefined, int64),
  runAsNonRoot: bool,
  readOnlyRootFilesystem: bool,
  allowPrivilegeEscalation: bool,
  procMount: text,
  seccompProfile,
  appArmorProfile,
});

const volumeMount = struct(
  core("VolumeMount"),
  {
    name: text,
    readOnly: bool,
    recursiveReadOnly: text,
    mountPath: text,
    subPath: text,
    mountPropagation: text,
    subPathExpr: text,
  },
  ["name", "mountPath"],
);

const containerFields: Readonly<Record<string, Schema>> = {
  name: text,
  image: text,
  command: listOf(text),
  args: listOf(text),
  workingDir: text,
  ports: mergedBy("containerPort", mapListOf(["containerPort", "protocol"], containerPort)),
  envFrom: listOf(envFromSource),
  env: mergeListOf("name", envVar),
  resources: withDefault({}, resourceRequirements),
  resizePolicy: listOf(
    struct(core("ContainerResizePolicy"), { resourceName: text, restartPolicy: text }, [
      "resourceName",
      "restartPolicy",
    ]),
  ),
  restartPolicy: oneOf("Always"),
  volumeMounts: mergeListOf("mountPath", volumeMount),
  volumeDevices: mergeListOf(
    "devicePath",
    struct(core("VolumeDevice"), { name: text, devicePath: text }, ["name", "devicePath"]),
  ),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: struct(core("Lifecycle"), { postStart: lifecycleHandler, preStop: lifecycleHandler, stopSignal: text }),
  terminationMessagePath: withDefault("/dev/termination-log", text),
  terminationMessagePolicy: withDefault("File", oneOf("File", "FallbackToLogsOnError")),
  imagePullPolicy: oneOf("Always", "IfNotPresent", "Never"),
  securityContext,
  stdin: bool,
  stdinOnce: bool,
  tty: bool,
};

export const container: Schema = struct(core("Container"), containerFields, ["name"]);
export const ephemeralContainer: Schema = struct(
  core("EphemeralContainer"),
  { ...containerFields, targetContainerName: text },
  ["name"],
);

const containerState = struct(core("ContainerState"), {
  waiting: struct(core("ContainerStateWaiting"), { reason: text, message: text }),
  running: struct(core("ContainerStateRunning"), { startedAt: time }),
  terminated: struct(core("ContainerStateTerminated"), {
    exitCode: int32,
    signal: int32,
    reason: text,
    message: text,
    startedAt: time,
    finishedAt: time,
    containerID: text,
  }),
});

export const containerStatus: Schema = struct(core("ContainerStatus"), {
  name: text,
  state: containerState,
  lastState: containerState,
  ready: bool,
  restartCount: int32,
  image: text,
  imageID: text,
  containerID: text,
  started: bool,
  allocatedResources: mapOf(quantity),
  resources: resourceRequirements,
  volumeMounts: mergeListOf(
    "mountPath",
    struct(core("VolumeMountStatus"), { name: text, mountPath: text, readOnly: bool, recursiveReadOnly: text }),
  ),
  user: struct(core("ContainerUser"), {
    linux: struct(core("LinuxContainerUser"), { uid: int64, gid: int64, supplementalGroups: listOf(int64) }),
  }),
  allocatedResourcesStatus: mapListOf(
    ["name"],
    struct(core("ResourceStatus"), {
      name: text,
      resources: mapListOf(["resourceID"], struct(core("ResourceHealth"), { resourceID: text, health: text })),
    }),
  ),
  stopSignal: text,
});
