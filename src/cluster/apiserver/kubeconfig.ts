import { chmod, writeFile } from "node:fs/promises";
import { stringify } from "yaml";

export interface KubeconfigOptions {
  /** Name of the context, cluster and user; default `serin`. */
  readonly contextName?: string;
  readonly namespace?: string;
}

interface KubeconfigContent extends KubeconfigOptions {
  readonly server: string;
  readonly caPem: string;
  readonly token: string;
}

/** Writes a kubeconfig with one context. Source: client-go `clientcmd/api/v1.Config`. */
export async function writeKubeconfig(path: string, content: KubeconfigContent): Promise<void> {
  const name = content.contextName ?? "serin";
  const namespace = content.namespace === undefined ? {} : { namespace: content.namespace };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [
      {
        name,
        cluster: {
          server: content.server,
          "certificate-authority-data": Buffer.from(content.caPem).toString("base64"),
        },
      },
    ],
    users: [{ name, user: { token: content.token } }],
    contexts: [{ name, context: { cluster: name, user: name, ...namespace } }],
  };
  await writeFile(path, stringify(config), { mode: 0o600 });
  // The mode of writeFile holds only for new files.
  await chmod(path, 0o600);
}
