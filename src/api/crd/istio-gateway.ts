import { mapOf, object, oneOf, text } from "../schema/build.ts";
import { ruled } from "../schema/choices.ts";
import { arrayOf } from "../schema/plain-lists.ts";
import type { Schema } from "../schema/schema.ts";
import { nullableBool, portNumber, textMap, texts, uint32, workloadEntry } from "./istio-fields.ts";

/** `spec` of Gateway and ServiceEntry. Source: istio.io/api `networking/v1/gateway.proto`, `service_entry.proto`. */

const tlsVersion = oneOf("TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3");

const tlsFields = object({
  httpsRedirect: { type: "boolean" },
  mode: oneOf("PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"),
  serverCertificate: text,
  privateKey: text,
  caCertificates: text,
  caCrl: text,
  credentialName: text,
  credentialNames: { ...texts, minItems: 1, maxItems: 2 },
  caCertCredentialName: text,
  tlsCertificates: {
    ...arrayOf(object({ serverCertificate: text, privateKey: text, caCertificates: text })),
    minItems: 1,
    maxItems: 2,
  },
  subjectAltNames: texts,
  verifyCertificateSpki: texts,
  verifyCertificateHash: texts,
  minProtocolVersion: tlsVersion,
  maxProtocolVersion: tlsVersion,
  cipherSuites: texts,
  ecdhCurves: texts,
  insecureSkipVerify: nullableBool,
});

const onlyOne = (a: string, b: string): string => `(has(self.${a}) ? 1 : 0) + (has(self.${b}) ? 1 : 0) <= 1`;

const tls = ruled(
  // Upstream's message names other fields than its rule looks at; both are kept, as clients see them.
  onlyOne("credentialNames", "tlsCertificates"),
  "only one of credentialName or tlsCertificates can be set",
  ruled(
    onlyOne("credentialName", "credentialNames"),
    "only one of credentialName or credentialNames can be set",
    ruled(
      onlyOne("tlsCertificates", "credentialNames"),
      "only one of credentialNames or tlsCertificates can be set",
      tlsFields,
    ),
  ),
);

const serverPort = object({ number: uint32, protocol: text, name: text, targetPort: uint32 }, [
  "number",
  "protocol",
  "name",
]);

/** `spec` of a Gateway. */
export const gatewaySpec: Schema = object({
  selector: textMap,
  servers: arrayOf(
    object({ port: serverPort, hosts: texts, tls, name: text, bind: text, defaultEndpoint: text }, ["port", "hosts"]),
  ),
});

const servicePorts: Schema = ruled(
  "self.all(l1, self.exists_one(l2, l1.number == l2.number))",
  "port number cannot be duplicated",
  {
    ...arrayOf(
      object(
        {
          number: portNumber,
          name: { ...text, maxLength: 256 },
          protocol: { ...text, maxLength: 256 },
          targetPort: portNumber,
        },
        ["number", "name"],
      ),
    ),
    maxItems: 256,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
  },
);

const selectorLabel = ruled('!self.contains("*")', "wildcard is not supported in selector", { ...text, maxLength: 63 });

const serviceEntryFields = object(
  {
    hosts: { ...arrayOf(ruled('self != "*"', "hostname cannot be wildcard", text)), minItems: 1, maxItems: 256 },
    addresses: { ...arrayOf({ ...text, maxLength: 64 }), maxItems: 256 },
    ports: servicePorts,
    location: oneOf("MESH_EXTERNAL", "MESH_INTERNAL"),
    resolution: oneOf("NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"),
    endpoints: { ...arrayOf(workloadEntry), maxItems: 4096 },
    workloadSelector: object({ labels: { ...mapOf(selectorLabel), maxProperties: 256 } }),
    exportTo: texts,
    subjectAltNames: texts,
  },
  ["hosts"],
);

const resolution = (fallback: string): string => `(has(self.resolution) ? self.resolution : "${fallback}")`;

/** `spec` of a ServiceEntry. */
export const serviceEntrySpec: Schema = {
  ...serviceEntryFields,
  "x-kubernetes-validations": [
    {
      rule: onlyOne("workloadSelector", "endpoints"),
      message: "only one of WorkloadSelector or Endpoints can be set",
    },
    {
      rule: `!((has(self.addresses) ? self.addresses : []).exists(k, k.contains("/")) && !(${resolution("NONE")} in ["STATIC", "NONE"]))`,
      message: "CIDR addresses are allowed only for NONE/STATIC resolution types",
    },
    {
      rule: `(${resolution("NONE")} == "NONE") ? !has(self.endpoints) : true`,
      message: "NONE mode cannot set endpoints",
    },
    {
      rule: `(${resolution("")} == "DNS_ROUND_ROBIN") ? ((has(self.endpoints) ? self.endpoints : []).size() <= 1) : true`,
      message: "DNS_ROUND_ROBIN mode cannot have multiple endpoints",
    },
  ],
};
