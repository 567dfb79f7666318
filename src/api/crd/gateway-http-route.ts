import { between, bool, int32, integer, mapListOf, object, oneOf, text, withDefault } from "../schema/build.ts";
import { ruled } from "../schema/choices.ts";
import type { Schema } from "../schema/schema.ts";
import {
  atomicList,
  backendRef,
  bounded,
  conditions,
  controllerName,
  gatewayDuration,
  hostname,
  namedRef,
  parentRef,
  port,
  preciseHostname,
  sectionName,
  setList,
} from "./gateway-fields.ts";

/** `spec` and `status` of an HTTPRoute. Source: Gateway API 1.6, `apis/v1/httproute_types.go`. */

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
const TOKEN = "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$";
const headerName = bounded(1, 256, TOKEN);
const headerValue = bounded(1, 4096, "^[!-~]+([\\t ]?[!-~]+)*$");

const named = (items: Schema): Schema => ({ ...mapListOf(["name"], items), maxItems: 16 });

const headerEdits = named(object({ name: headerName, value: headerValue }, ["name", "value"]));
const headerModifier = object({ set: headerEdits, add: headerEdits, remove: setList(text, 16) });

/** The value belongs to the type, and each asks for the other. */
function typedBy(type: string, field: string, schema: Schema): Schema {
  const forward = `self.type == '${type}' ? has(self.${field}) : true`;
  const backward = `has(self.${field}) ? self.type == '${type}' : true`;
  const rules = ruled(forward, `${field} must be specified when type is set to '${type}'`, schema);
  return ruled(backward, `type must be '${type}' when ${field} is set`, rules);
}

const pathModifier = typedBy(
  "ReplacePrefixMatch",
  "replacePrefixMatch",
  typedBy(
    "ReplaceFullPath",
    "replaceFullPath",
    object(
      {
        type: oneOf("ReplaceFullPath", "ReplacePrefixMatch"),
        replaceFullPath: bounded(0, 1024),
        replacePrefixMatch: bounded(0, 1024),
      },
      ["type"],
    ),
  ),
);

const loneStar = (name: string, what: string, schema: Schema): Schema =>
  ruled("!('*' in self && self.size() > 1)", `${name} cannot contain '*' alongside other ${what}`, schema);

const cors = object({
  allowOrigins: loneStar(
    "AllowOrigins",
    "origins",
    setList(
      bounded(
        1,
        253,
        "(^\\*$)|(^(http(s)?):\\/\\/(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)(:([0-9]{1,5}))?)$)",
      ),
      64,
    ),
  ),
  allowMethods: loneStar("AllowMethods", "methods", setList(oneOf(...METHODS, "*"), 9)),
  allowHeaders: loneStar("AllowHeaders", "methods", setList(headerName, 64)),
  exposeHeaders: setList(headerName, 64),
  allowCredentials: bool,
  maxAge: withDefault(5, between(1, undefined, int32)),
});

const requestMirror = ruled(
  "!(has(self.percent) && has(self.fraction))",
  "Only one of percent or fraction may be specified in HTTPRequestMirrorFilter",
  object(
    {
      backendRef: backendRef(),
      percent: between(0, 100, int32),
      fraction: ruled(
        "self.numerator <= self.denominator",
        "numerator must be less than or equal to denominator",
        object(
          { numerator: between(0, undefined, int32), denominator: withDefault(100, between(1, undefined, int32)) },
          ["numerator"],
        ),
      ),
    },
    ["backendRef"],
  ),
);

const requestRedirect = object({
  scheme: oneOf("http", "https"),
  hostname: preciseHostname,
  path: pathModifier,
  port,
  statusCode: withDefault(302, { ...integer, enum: [301, 302, 303, 307, 308] }),
});

/** Field of each type of filter. */
const filterFields: Readonly<Record<string, readonly [string, Schema]>> = {
  RequestHeaderModifier: ["requestHeaderModifier", headerModifier],
  ResponseHeaderModifier: ["responseHeaderModifier", headerModifier],
  RequestMirror: ["requestMirror", requestMirror],
  RequestRedirect: ["requestRedirect", requestRedirect],
  URLRewrite: ["urlRewrite", object({ hostname: preciseHostname, path: pathModifier })],
  ExtensionRef: ["extensionRef", namedRef],
  CORS: ["cors", cors],
};

function filterSchema(): Schema {
  const fields = Object.values(filterFields);
  // ExternalAuth is named so that a route that has it is taken; what it says is kept as it is.
  const types = oneOf(...Object.keys(filterFields), "ExternalAuth");
  let schema = object({ type: types, ...Object.fromEntries(fields), externalAuth: kept }, ["type"]);
  for (const [type, [field]] of Object.entries(filterFields)) {
    schema = ruled(
      `!(has(self.${field}) && self.type != '${type}')`,
      `filter.${field} must be nil if the filter.type is not ${type}`,
      schema,
    );
    schema = ruled(
      `!(!has(self.${field}) && self.type == '${type}')`,
      `filter.${field} must be specified for ${type} filter.type`,
      schema,
    );
  }
  return schema;
}

const kept: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

function filterList(): Schema {
  let schema = atomicList(filterSchema(), 16);
  for (const type of ["CORS", "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite"])
    schema = ruled(`self.filter(f, f.type == '${type}').size() <= 1`, `${type} filter cannot be repeated`, schema);
  return schema;
}

const filters = filterList();

const exactOrRegex = withDefault("Exact", oneOf("Exact", "RegularExpression"));
const rootPath = { type: "PathPrefix", value: "/" };
const isLiteral = "(self.type in ['Exact','PathPrefix'])";

const path = withDefault(
  rootPath,
  ruled(
    `${isLiteral} ? self.value.startsWith('/') : true`,
    "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
    ruled(
      `${isLiteral} ? !self.value.contains('//') : true`,
      "must not contain '//' when type one of ['Exact', 'PathPrefix']",
      object({
        type: withDefault("PathPrefix", oneOf("Exact", "PathPrefix", "RegularExpression")),
        value: withDefault("/", bounded(0, 1024)),
      }),
    ),
  ),
);

const match = object({
  path,
  method: oneOf(...METHODS),
  headers: named(object({ type: exactOrRegex, name: headerName, value: headerValue }, ["name", "value"])),
  queryParams: named(object({ type: exactOrRegex, name: headerName, value: bounded(1, 1024) }, ["name", "value"])),
});

const rule = object({
  name: sectionName,
  matches: withDefault([{ path: rootPath }], atomicList(match, 64)),
  filters,
  backendRefs: atomicList(backendRef({ weight: withDefault(1, between(0, 1_000_000, int32)), filters }), 16),
  timeouts: ruled(
    "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
    "backendRequest timeout cannot be longer than request timeout",
    object({ request: gatewayDuration, backendRequest: gatewayDuration }),
  ),
  retry: object({
    codes: setList(between(400, 599, integer)),
    attempts: between(1, undefined, integer),
    backoff: gatewayDuration,
  }),
  sessionPersistence: kept,
});

/** `spec` of an HTTPRoute. */
export const httpRouteSpec: Schema = object({
  parentRefs: atomicList(parentRef, 32),
  hostnames: atomicList(hostname, 16),
  rules: withDefault([{ matches: [{ path: rootPath }] }], atomicList(rule, 16, 1)),
  useDefaultGateways: oneOf("All", "None"),
});

/** `status` of an HTTPRoute. */
export const httpRouteStatus: Schema = object(
  {
    parents: atomicList(
      object({ parentRef, controllerName, conditions: { ...conditions, minItems: 1 } }, [
        "conditions",
        "controllerName",
        "parentRef",
      ]),
      32,
    ),
  },
  ["parents"],
);
