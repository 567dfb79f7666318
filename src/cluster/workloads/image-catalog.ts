/** An image that this program brings itself: its programs and what it runs, as the fields of a real image's config. */
export interface CatalogImage {
  /** Name without tag or digest: `ghcr.io/stefanprodan/podinfo`. */
  readonly repository: string;
  /** Executables of the image's folder by name; each runs that entry of the build output (`podinfo.js`) with arguments before the user's. */
  readonly programs: Readonly<Record<string, { readonly script: string; readonly args?: readonly string[] }>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** The built-in images. A cluster may add its own (the operator's) before it hands the list to the node. */
export const imageCatalog: readonly CatalogImage[] = [
  {
    repository: "ghcr.io/stefanprodan/podinfo",
    programs: { podinfo: { script: "podinfo.js" }, podcli: { script: "podcli.js" } },
    entrypoint: [],
    command: ["./podinfo"],
  },
  {
    repository: "ghcr.io/fluxcd/flagger-loadtester",
    programs: {
      loadtester: { script: "loadtester.js" },
      hey: { script: "hey.js" },
      podcli: { script: "podcli.js" },
    },
    entrypoint: ["./loadtester"],
    command: [],
  },
];
