export { accepted, type Findings, refused } from "./accepted.ts";
export { answerAll, payloadFor } from "./answer.ts";
export { isUnanalysed } from "./lost-primary.ts";
export { dependenciesOf, idsOfChange } from "./dependencies.ts";
export { findingsOf } from "./findings.ts";
export { observe } from "./observe.ts";
export { read, type Routing, type Snapshot } from "./read.ts";
export { providerOf, refusalsOf, targetId } from "./refusals.ts";
