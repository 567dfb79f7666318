export { accepted, refused } from "./accepted.ts";
export { answerAll, payloadFor } from "./answer.ts";
export { isUnanalysed, lostPrimary } from "./lost-primary.ts";
export { observe } from "./observe.ts";
export { dependenciesOf, read, type Routing, type Snapshot } from "./read.ts";
export { providerOf, refusalsOf, targetId } from "./refusals.ts";
