/**
 * Replaces `$(NAME)` by the value of a variable; `$$` stands for one dollar sign, and an unknown name stays as it is.
 *
 * Source: Kubernetes, third_party/forked/golang/expansion; used for `command`, `args` and the values of `env`.
 */
export function expandVariables(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : (variables.get(name) ?? whole),
  );
}
