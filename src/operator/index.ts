export { runOperator } from "./main.ts";
