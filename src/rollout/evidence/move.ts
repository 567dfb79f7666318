/** What the release would do next, if the evidence allows it. */
export type Move =
  /** To the first traffic, which nothing can be known of before. */
  | { readonly kind: "first" }
  /** To a larger weight, in percent. */
  | { readonly kind: "step"; readonly weight: number }
  /** One more check at the same traffic. */
  | { readonly kind: "iterate" }
  /** To promotion, or to all traffic. */
  | { readonly kind: "final" };
