export { scaledObjectReviewer } from "./admission/scaled-object-reviewer.ts";
