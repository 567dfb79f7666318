import type { KubeObject } from "../meta.ts";

/** TriggerAuthentication and ClusterTriggerAuthentication of `keda.sh/v1alpha1`. Source: KEDA 2.20 CRDs; keda-hpa-spec 13. */

/** A key of a Secret or ConfigMap that gives a parameter its value. */
export interface AuthenticationTargetRef {
  readonly parameter: string;
  readonly name: string;
  readonly key: string;
}

/** A variable of the target's container that gives a parameter its value. */
export interface AuthenticationEnvironment {
  readonly parameter: string;
  /** Of the variable. */
  readonly name: string;
  /** The ScaledObject's own choice when absent. */
  readonly containerName?: string;
}

export type PodIdentityProvider = "azure-workload" | "gcp" | "aws" | "aws-eks" | "none";

export interface AuthPodIdentity {
  readonly provider: PodIdentityProvider;
  readonly identityId?: string;
  readonly identityTenantId?: string;
  readonly identityAuthorityHost?: string;
  readonly roleArn?: string;
  readonly externalID?: string;
  readonly identityOwner?: "keda" | "workload";
}

/** A value that a Secret holds. */
export interface ValueFromSecret {
  readonly valueFrom: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
}

export interface VaultSecret {
  readonly parameter: string;
  readonly path: string;
  readonly key: string;
  readonly type?: "" | "secretV2" | "secret" | "pki";
  readonly pkiData?: {
    readonly commonName?: string;
    readonly altNames?: string;
    readonly ipSans?: string;
    readonly uriSans?: string;
    readonly otherSans?: string;
    readonly ttl?: string;
    readonly format?: string;
  };
}

export interface HashiCorpVault {
  readonly address: string;
  readonly authentication: "token" | "kubernetes";
  readonly namespace?: string;
  readonly role?: string;
  readonly mount?: string;
  readonly credential?: {
    readonly token?: string;
    readonly serviceAccount?: string;
    readonly serviceAccountName?: string;
  };
  readonly secrets: readonly VaultSecret[];
}

export interface AzureKeyVault {
  readonly vaultUri: string;
  readonly credentials?: {
    readonly clientId: string;
    readonly tenantId: string;
    readonly clientSecret: ValueFromSecret;
  };
  readonly podIdentity?: AuthPodIdentity;
  readonly cloud?: {
    readonly type: string;
    readonly keyVaultResourceURL?: string;
    readonly activeDirectoryEndpoint?: string;
  };
  readonly secrets: readonly { readonly parameter: string; readonly name: string; readonly version?: string }[];
}

export interface GcpSecretManager {
  readonly credentials?: { readonly clientSecret: ValueFromSecret };
  readonly podIdentity?: AuthPodIdentity;
  /** `version` is the latest when absent. */
  readonly secrets: readonly { readonly parameter: string; readonly id: string; readonly version?: string }[];
}

export interface AwsSecretManager {
  readonly region?: string;
  readonly credentials?: {
    readonly accessKey: ValueFromSecret;
    readonly accessSecretKey: ValueFromSecret;
    readonly accessToken?: ValueFromSecret;
  };
  readonly podIdentity?: AuthPodIdentity;
  readonly secrets: readonly {
    readonly parameter: string;
    readonly name: string;
    readonly versionId?: string;
    readonly versionStage?: string;
    readonly secretKey?: string;
  }[];
}

export interface OAuth2Authentication {
  /** `clientCredentials` when absent; the schema fills it in. */
  readonly type?: "clientCredentials";
  readonly clientId: string;
  readonly clientSecret?: ValueFromSecret;
  readonly tokenUrl: string;
  readonly scopes?: readonly string[];
  readonly tokenUrlParams?: Readonly<Record<string, string>>;
}

/** Sources of parameters; which of them wins is told by keda-hpa-spec 13. */
export interface TriggerAuthenticationSpec {
  readonly podIdentity?: AuthPodIdentity;
  readonly env?: readonly AuthenticationEnvironment[];
  /** Of the cluster's kind only: a file below the operator's folder for them. */
  readonly filePath?: string;
  readonly configMapTargetRef?: readonly AuthenticationTargetRef[];
  readonly secretTargetRef?: readonly AuthenticationTargetRef[];
  readonly hashiCorpVault?: HashiCorpVault;
  readonly azureKeyVault?: AzureKeyVault;
  readonly gcpSecretManager?: GcpSecretManager;
  readonly awsSecretManager?: AwsSecretManager;
  readonly boundServiceAccountToken?: readonly { readonly parameter: string; readonly serviceAccountName: string }[];
  readonly oauth2?: OAuth2Authentication;
}

export interface TriggerAuthenticationStatus {
  /** Names of those who use it, joined by commas. */
  readonly scaledobjects?: string;
  /** As `scaledobjects`. */
  readonly scaledjobs?: string;
}

export interface TriggerAuthentication extends KubeObject {
  readonly spec: TriggerAuthenticationSpec;
  readonly status?: TriggerAuthenticationStatus;
}

/** For the ScaledObjects of every namespace. Its fields are those of {@link TriggerAuthentication}. */
export interface ClusterTriggerAuthentication extends KubeObject {
  readonly spec: TriggerAuthenticationSpec;
  readonly status?: TriggerAuthenticationStatus;
}
