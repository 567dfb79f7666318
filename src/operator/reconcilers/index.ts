export { answerAll, payloadFor } from "./answer.ts";
export { observe } from "./observe.ts";
export { dependenciesOf, read, type Snapshot } from "./read.ts";
