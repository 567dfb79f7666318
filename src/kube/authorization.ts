import { readFile } from "node:fs/promises";
import { type Clock, Failure } from "#base";
import type { KubeCredentials } from "./kube-config.ts";

/** Source: client-go `transport.NewCachedFileTokenSource`: a token file is read again after a minute. */
const TOKEN_FILE_TTL_MS = 60_000;

/** Gives the value of the Authorization header; undefined when requests carry none. */
export type Authorization = () => Promise<string | undefined>;

/** Makes the source of the Authorization header for some credentials. A token file that vanishes keeps its last token in use. */
export function createAuthorization(credentials: KubeCredentials, clock: Clock): Authorization {
  switch (credentials.kind) {
    case "none":
    case "certificate":
      return () => Promise.resolve(undefined);
    case "token":
      return () => Promise.resolve(`Bearer ${credentials.token}`);
    case "basic": {
      const pair = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
      return () => Promise.resolve(`Basic ${pair}`);
    }
    case "tokenFile":
      return fileToken(credentials.path, clock);
  }
}

function fileToken(path: string, clock: Clock): Authorization {
  let header: string | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    if (header !== undefined && clock.nowMs() - readAtMs < TOKEN_FILE_TTL_MS) return header;
    try {
      header = `Bearer ${(await readFile(path, "utf8")).trim()}`;
      readAtMs = clock.nowMs();
    } catch (cause) {
      if (header === undefined) {
        throw new Failure(`Cannot read the token file "${path}"`, { code: "TokenUnreadable", retryable: true, cause });
      }
    }
    return header;
  };
}
