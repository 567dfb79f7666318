import { loadtesterMain, runProgram } from "#cluster";

await runProgram(loadtesterMain);
