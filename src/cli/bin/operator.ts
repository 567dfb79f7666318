import { runProgram } from "#cluster";
import { runOperator } from "#operator";

await runProgram(runOperator);
