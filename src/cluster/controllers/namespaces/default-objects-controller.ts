import { type ConfigMap, type KubeObject, type Namespace, resources } from "#api";
import { ApiFailure, isNamespaceTerminating } from "#kube";
import { type Controller, type ControllerPorts, runController } from "../shared/index.ts";

const ROOT_CA = "kube-root-ca.crt";
const SERVICE_ACCOUNT = "default";
const CA_KEY = "ca.crt";
/** Source: Kubernetes `rootcacertpublisher`; the conformance case ctl-default-objects quotes it. */
const DESCRIPTION_ANNOTATION = "kubernetes.io/description";
const DESCRIPTION =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal " +
  "service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/** Gives every namespace the service account `default` and the config map with the server's certificate authority. */
export function startDefaultObjectsController(ports: ControllerPorts & { readonly caPem: string }): Controller {
  const { client, informers } = ports;
  const namespaces = informers.of<Namespace>(resources.namespaces);
  const serviceAccounts = informers.of<KubeObject>(resources.serviceAccounts);
  const configMaps = informers.of<ConfigMap>(resources.configMaps);
  const controller = runController(ports, { name: "default-objects-controller", reconcile: reconcileNamespace });

  namespaces.onChange(({ object }) => controller.queue.add(object.metadata.name ?? ""));
  serviceAccounts.onChange(({ type, object }) => {
    if (type === "deleted" && object.metadata.name === SERVICE_ACCOUNT)
      controller.queue.add(object.metadata.namespace ?? "");
  });
  configMaps.onChange(({ type, object }) => {
    if (type !== "added" && object.metadata.name === ROOT_CA) controller.queue.add(object.metadata.namespace ?? "");
  });

  async function reconcileNamespace(namespace: string): Promise<void> {
    const found = namespaces.get({ name: namespace });
    if (found === undefined || found.metadata.deletionTimestamp !== undefined) return;
    if (serviceAccounts.get({ namespace, name: SERVICE_ACCOUNT }) === undefined) {
      const metadata = { name: SERVICE_ACCOUNT, namespace };
      await createOnce(() =>
        client.create(resources.serviceAccounts, { apiVersion: "v1", kind: "ServiceAccount", metadata }),
      );
    }
    await publishAuthority(namespace);
  }

  async function publishAuthority(namespace: string): Promise<void> {
    const current = configMaps.get({ namespace, name: ROOT_CA });
    const data = { [CA_KEY]: ports.caPem };
    const annotations = { [DESCRIPTION_ANNOTATION]: DESCRIPTION };
    if (current === undefined) {
      const metadata = { name: ROOT_CA, namespace, annotations };
      await createOnce(() =>
        client.create(resources.configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata, data }),
      );
    } else if (current.data?.[CA_KEY] !== ports.caPem || Object.keys(current.data).length !== 1) {
      const metadata = { ...current.metadata, annotations: { ...current.metadata.annotations, ...annotations } };
      await client.update<ConfigMap>(resources.configMaps, { ...current, metadata, data });
    }
  }

  return controller;
}

/** Creates what a copy that lags behind may not show yet, and nothing in a namespace that is being emptied. */
async function createOnce(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (thrown) {
    const isSettled = thrown instanceof ApiFailure && ["AlreadyExists", "NotFound"].includes(thrown.code);
    if (!isSettled && !isNamespaceTerminating(thrown)) throw thrown;
  }
}
