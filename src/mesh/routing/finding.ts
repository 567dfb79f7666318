/** Something in the user's traffic objects that the mesh cannot do as written; the rest of the objects still applies. */
export interface MeshFinding {
  /** `VirtualService shop/web`. */
  readonly object: string;
  /** Stable name of the kind of finding. */
  readonly code: "malformed" | "unsupported" | "unresolved" | "ignored";
  readonly message: string;
}

/** Thrown while one object is compiled; the compiler of the whole turns it into a finding and goes on with the next object. */
export class UnusableObject extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UnusableObject";
  }
}

/** Collects findings about one object. */
export type Report = (code: MeshFinding["code"], message: string) => void;
