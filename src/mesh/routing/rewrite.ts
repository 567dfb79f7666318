import type { RE2JS } from "re2js";
import type { HTTPRewrite } from "#api";
import { UnusableObject } from "./finding.ts";
import { checkVisible } from "./visible-text.ts";
import { compileRegex, type StringMatcher } from "./string-matcher.ts";

/** How the path is changed on its way up. */
export type Rewrite =
  | { readonly kind: "uri"; readonly value: string }
  | { readonly kind: "regex"; readonly pattern: RE2JS; readonly replacement: string };

/** Compiles the path part of `rewrite`; the authority belongs to the targets. */
export function compileRewrite(rewrite: HTTPRewrite | undefined): Rewrite | undefined {
  if (rewrite?.uriRegexRewrite !== undefined) {
    if (rewrite.uri !== undefined) throw new UnusableObject("rewrite: uri and uriRegexRewrite exclude each other");
    const { match, rewrite: replacement } = rewrite.uriRegexRewrite;
    // RE2 writes \1 where RE2JS writes $1; a literal dollar must not become a reference.
    const translated = checkVisible("rewrite.uriRegexRewrite.rewrite", replacement)
      .replaceAll("$", "\\$")
      .replace(/\\(\d)/g, "$$$1");
    return { kind: "regex", pattern: compileRegex(match), replacement: translated };
  }
  return rewrite?.uri === undefined ? undefined : { kind: "uri", value: checkVisible("rewrite.uri", rewrite.uri) };
}

/**
 * The new path of a request that matched with `uri`: the matched prefix is replaced as text, anything else as a whole; a
 * route without a condition on the path counts as the prefix `/`. Source: istio-spec 1.6.
 */
export function rewritePath(rewrite: Rewrite, path: string, uri: StringMatcher | undefined): string {
  if (rewrite.kind === "regex") return rewrite.pattern.matcher(path).replaceAll(rewrite.replacement);
  return replaceMatched(path, rewrite.value, uri);
}

/** Replaces what the match covered of the path. */
export function replaceMatched(path: string, replacement: string, uri: StringMatcher | undefined): string {
  const prefixLength = uri === undefined ? 1 : uri.kind === "prefix" ? uri.value.length : undefined;
  if (prefixLength === undefined) return replacement;
  const rewritten = replacement + path.slice(prefixLength);
  return rewritten.startsWith("/") ? rewritten : `/${rewritten}`;
}
