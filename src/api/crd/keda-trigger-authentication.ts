import { described, mapOf, object, oneOf, text, withDefault } from "../schema/build.ts";
import { arrayOf } from "../schema/plain-lists.ts";
import type { Schema } from "../schema/schema.ts";

/** Fields that both kinds of authentication have. Source: KEDA 2.20, `keda.sh/v1alpha1`. */

const targetRefs = arrayOf(object({ key: text, name: text, parameter: text }, ["key", "name", "parameter"]));

const podIdentity = object(
  {
    provider: oneOf("azure-workload", "gcp", "aws", "aws-eks", "none"),
    identityId: text,
    identityTenantId: text,
    identityAuthorityHost: text,
    roleArn: text,
    externalID: text,
    identityOwner: oneOf("keda", "workload"),
  },
  ["provider"],
);

const fromSecret = object(
  { valueFrom: object({ secretKeyRef: object({ key: text, name: text }, ["key", "name"]) }, ["secretKeyRef"]) },
  ["valueFrom"],
);

function filledList(items: Schema): Schema {
  return { ...arrayOf(items), minItems: 1 };
}

const hashiCorpVault = object(
  {
    address: text,
    authentication: oneOf("token", "kubernetes"),
    namespace: text,
    role: text,
    mount: text,
    credential: object({ token: text, serviceAccount: text, serviceAccountName: text }),
    secrets: filledList(
      object(
        {
          parameter: text,
          path: text,
          key: text,
          type: oneOf("", "secretV2", "secret", "pki"),
          pkiData: object({
            commonName: text,
            altNames: text,
            ipSans: text,
            uriSans: text,
            otherSans: text,
            ttl: text,
            format: text,
          }),
        },
        ["key", "parameter", "path"],
      ),
    ),
  },
  ["address", "authentication", "secrets"],
);

const azureKeyVault = object(
  {
    vaultUri: text,
    credentials: object({ clientId: text, tenantId: text, clientSecret: fromSecret }, [
      "clientId",
      "clientSecret",
      "tenantId",
    ]),
    podIdentity,
    cloud: object({ type: text, keyVaultResourceURL: text, activeDirectoryEndpoint: text }, ["type"]),
    secrets: filledList(object({ parameter: text, name: text, version: text }, ["name", "parameter"])),
  },
  ["secrets", "vaultUri"],
);

const gcpSecretManager = object(
  {
    credentials: object({ clientSecret: fromSecret }, ["clientSecret"]),
    podIdentity,
    secrets: filledList(object({ parameter: text, id: text, version: text }, ["id", "parameter"])),
  },
  ["secrets"],
);

const awsSecretManager = object(
  {
    region: text,
    credentials: object({ accessKey: fromSecret, accessSecretKey: fromSecret, accessToken: fromSecret }, [
      "accessKey",
      "accessSecretKey",
    ]),
    podIdentity,
    secrets: filledList(
      object({ parameter: text, name: text, versionId: text, versionStage: text, secretKey: text }, [
        "name",
        "parameter",
      ]),
    ),
  },
  ["secrets"],
);

const oauth2 = object(
  {
    type: withDefault("clientCredentials", oneOf("clientCredentials")),
    clientId: text,
    clientSecret: fromSecret,
    tokenUrl: text,
    scopes: arrayOf(text),
    tokenUrlParams: mapOf(text),
  },
  ["clientId", "tokenUrl", "type"],
);

export const triggerAuthenticationSpec: Schema = object({
  podIdentity,
  env: described(
    "Parameters from the environment of the target's container.",
    arrayOf(object({ parameter: text, name: text, containerName: text }, ["name", "parameter"])),
  ),
  filePath: described("A file with parameters; of the cluster's kind only.", text),
  configMapTargetRef: described("Parameters from ConfigMaps.", targetRefs),
  secretTargetRef: described("Parameters from Secrets.", targetRefs),
  hashiCorpVault,
  azureKeyVault,
  gcpSecretManager,
  awsSecretManager,
  boundServiceAccountToken: arrayOf(
    object({ parameter: text, serviceAccountName: text }, ["parameter", "serviceAccountName"]),
  ),
  oauth2,
});

export const triggerAuthenticationStatus: Schema = object({ scaledobjects: text, scaledjobs: text });
